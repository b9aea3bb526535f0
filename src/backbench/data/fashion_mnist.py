"""Fashion-MNIST in torchvision's layout: `FashionMNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]`.

H. Xiao, K. Rasul, R. Vollgraf, 2017: 60,000 + 10,000 grey images of 28 × 28 pixels, ten kinds of clothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from backbench.data.idx import read_idx
from backbench.data.labels import checked
from backbench.data.layout import Layout
from backbench.data.source import Stored, StoredPart
from backbench.errors import DataError

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


class FashionMnist(Layout):
    """Fashion-MNIST: 70,000 grey images 28 × 28, ten classes."""

    name: ClassVar[str] = "fashion_mnist"
    title: ClassVar[str] = "Fashion-MNIST"
    zipped: ClassVar[bool] = True
    counts: ClassVar[dict[str, int]] = {"train": 60_000, "t10k": 10_000}

    def folder(self, root: Path) -> Path:
        return root / "FashionMNIST" / "raw"

    def files(self) -> list[str]:
        return [name for part in self.counts for name in pair(part)]

    def read(self, root: Path) -> Stored:
        return Stored(
            name=self.name,
            title=self.title,
            classes=CLASSES,
            train=self.part(root, "train"),
            test=self.part(root, "t10k"),
            provenance={"layout": "torchvision", "orientation": "upright"},
        )

    def part(self, root: Path, part: str) -> StoredPart:
        images, labels = (self.file(root, name) for name in pair(part))
        pixels = read_idx(images, 3)[..., None]
        if len(pixels) != self.counts[part]:
            raise DataError(f"{images}: {len(pixels)} images are there; Fashion-MNIST has {self.counts[part]}")
        found = read_idx(labels, 1).astype(np.int64)
        return StoredPart(checked(found, len(pixels), len(CLASSES), labels), pixels)


def pair(part: str) -> tuple[str, str]:
    return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
