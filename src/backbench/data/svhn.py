"""SVHN (cropped digits) in torchvision's layout: `svhn/{train,test}_32x32.mat`, or the same files in the data root.

Y. Netzer et al., "Reading digits in natural images with unsupervised feature learning", 2011: 73,257 + 26,032 RGB
images of 32 × 32 pixels. MATLAB's label 10 is the digit 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from backbench.data.labels import checked
from backbench.data.layout import Layout
from backbench.data.source import Stored, StoredPart
from backbench.errors import DataError


class Svhn(Layout):
    """SVHN: 99,289 colour images 32 × 32 of house numbers, ten classes; the `extra` part is not read."""

    name: ClassVar[str] = "svhn"
    title: ClassVar[str] = "SVHN"
    counts: ClassVar[dict[str, int]] = {"train_32x32.mat": 73_257, "test_32x32.mat": 26_032}

    def folder(self, root: Path) -> Path:
        inner = root / "svhn"
        flat = not inner.is_dir() and any((root / name).is_file() for name in self.counts)
        return root if flat else inner

    def files(self) -> list[str]:
        return list(self.counts)

    def read(self, root: Path) -> Stored:
        train, test = (self.part(self.file(root, name), count) for name, count in self.counts.items())
        return Stored(
            name=self.name,
            title=self.title,
            classes=tuple(map(str, range(10))),
            train=train,
            test=test,
            mirrored=False,
            provenance={"layout": "torchvision", "orientation": "upright"},
        )

    def part(self, file: Path, count: int) -> StoredPart:
        images, labels = read_mat(file)
        if images.dtype != np.uint8 or images.shape[:3] != (32, 32, 3) or images.ndim != 4:
            raise DataError(f"{file}: X is {images.dtype} {images.shape}; expected uint8 (32, 32, 3, images)")
        if images.shape[-1] != count:
            raise DataError(f"{file}: {images.shape[-1]} images are there; SVHN has {count}")
        found = labels.reshape(-1).astype(np.int64)
        found = np.where(found == 10, 0, found)
        return StoredPart(checked(found, count, 10, file), np.ascontiguousarray(images.transpose(3, 0, 1, 2)))


def read_mat(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """X and y. Raises DataError where the file is truncated or holds something else."""
    from scipy.io import loadmat

    try:
        found = loadmat(file, variable_names=["X", "y"])
    except Exception as error:  # a broken file lets SciPy fail in any way, IndexError and zlib.error among them
        said = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{file}: the file is truncated, or no MATLAB file: {said}") from None
    if not {"X", "y"} <= set(found):
        raise DataError(f"{file}: the variables X and y are not both there")
    return found["X"], found["y"]
