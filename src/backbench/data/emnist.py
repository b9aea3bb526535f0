"""EMNIST in torchvision's layout: `EMNIST/raw/emnist-SPLIT-{train,test}-{images-idx3,labels-idx1}-ubyte[.gz]`.

G. Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", 2017. The files hold each image transposed; it
is turned upright here, and the provenance says so. The labels of `letters` count from 1 and are made to count from 0.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from backbench.data.idx import read_idx
from backbench.data.labels import checked
from backbench.data.layout import Layout
from backbench.data.source import Stored, StoredPart
from backbench.data.titles import title_of
from backbench.errors import DataError

Split = Literal["byclass", "bymerge", "balanced", "letters", "digits", "mnist"]
CAPITALS = tuple(string.digits + string.ascii_uppercase)
MERGED = (*CAPITALS, *"abdefghnqrt")  # lower-case letters that look like their capitals count as those
CLASSES: dict[str, tuple[str, ...]] = {
    "byclass": (*CAPITALS, *string.ascii_lowercase),
    "bymerge": MERGED,
    "balanced": MERGED,
    "letters": tuple(string.ascii_lowercase),
    "digits": tuple(string.digits),
    "mnist": tuple(string.digits),
}


class Emnist(Layout):
    """EMNIST: handwritten letters and digits, grey, 28 × 28; `split` is one of the six published ones."""

    name: ClassVar[str] = "emnist"
    title: ClassVar[str] = "EMNIST"
    zipped: ClassVar[bool] = True
    # (train, test); of letters an earlier and a later file are in use: the table in the paper, and its text
    counts: ClassVar[dict[str, tuple[tuple[int, int], ...]]] = {
        "byclass": ((697_932, 116_323),),
        "bymerge": ((697_932, 116_323),),
        "balanced": ((112_800, 18_800),),
        "letters": ((124_800, 20_800), (88_800, 14_800)),
        "digits": ((240_000, 40_000),),
        "mnist": ((60_000, 10_000),),
    }

    split: Split = "balanced"

    def folder(self, root: Path) -> Path:
        return root / "EMNIST" / "raw"

    def files(self) -> list[str]:
        return [name for part in ("train", "test") for name in self.pair(part)]

    def pair(self, part: str) -> tuple[str, str]:
        start = f"emnist-{self.split}-{part}"
        return f"{start}-images-idx3-ubyte", f"{start}-labels-idx1-ubyte"

    def read(self, root: Path) -> Stored:
        train, test = self.part(root, "train"), self.part(root, "test")
        allowed = self.counts[self.split]
        if (len(train), len(test)) not in allowed:
            raise DataError(
                f"{self.folder(root)}: {len(train)} + {len(test)} images are there; EMNIST {self.split} has"
                f" {' or '.join(f'{first} + {second}' for first, second in allowed)}"
            )
        return Stored(
            name=f"emnist-{self.split}",
            title=title_of(f"emnist-{self.split}", "raw"),
            classes=CLASSES[self.split],
            train=train,
            test=test,
            mirrored=False,
            provenance={"layout": "torchvision", "orientation": "upright (stored transposed, turned when read)"},
        )

    def part(self, root: Path, part: str) -> StoredPart:
        images, labels = (self.file(root, name) for name in self.pair(part))
        pixels = np.ascontiguousarray(read_idx(images, 3).swapaxes(1, 2))[..., None]
        first = 1 if self.split == "letters" else 0
        found = read_idx(labels, 1).astype(np.int64) - first
        return StoredPart(checked(found, len(pixels), len(CLASSES[self.split]), labels, first), pixels)
