"""What a dataset is: labelled images in three fixed parts, with class names, a source and a checksum.

NumPy only: a process that measures ONNX Runtime reads its images without importing torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backbench.registry import Part


class Images(Protocol):
    """A sequence of decoded images; a whole small dataset is one uint8 array behind it."""

    def __len__(self) -> int: ...

    def read(self, indices: Sequence[int] | NDArray[np.int64]) -> list[NDArray[np.uint8]]:
        """The images at these places, each uint8 height × width × channels."""

    def array(self) -> NDArray[np.uint8]:
        """All images as one uint8 array N × H × W × C; DataError where their sizes differ."""

    def encoded(self, index: int) -> bytes | None:
        """The bytes as stored (JPEG, PNG), or None where the source holds raw pixels."""


@dataclass(frozen=True)
class Split:
    """One part of a dataset: images and their int64 labels."""

    images: Images
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """Images, labels, class names, and where they come from.

    `validation` is a fixed part of the source's train part, drawn by a fixed seed; it shares no image with
    `train`. `title` is what tables print ("CIFAR-10 (JPEG)": derived from the stored bytes).
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    channels: int
    size: tuple[int, int] | None  # height, width of every image; None where they differ
    mean: tuple[float, ...]  # of the train part, per channel, in 0…1
    std: tuple[float, ...]
    checksum: str  # sha256 over the source's images and labels
    encoding: str  # "jpeg", "png", …, "raw" for stored pixels, "mixed" where files differ
    provenance: dict[str, Any]  # source layout, orientation, split seed, number of images
    mirrored: bool = True  # whether a mirrored image keeps its class (false for letters and digits)


class DatasetSource(Part):
    """A dataset by name: its options, and how it is read from the data root."""

    def check(self, root: Path, *, download: bool = False) -> None:
        """Cheap, before anything runs. Raises DataError where files are missing, or MissingDependency."""

    def stands_in(self, root: Path) -> bool:
        """Whether this source's own files are there, all or some; if not, a folder of the same name may serve."""
        return True

    def fetch(self, root: Path) -> None:
        """Downloads what is missing. Raises DataError where that fails."""

    def identity(self, root: Path) -> dict[str, Any] | None:
        """What changes when the source's files change, cheap to ask; None: the decoded dataset is not worth a cache."""
        return None

    def load(self, root: Path, *, download: bool = False) -> Dataset:
        """Raises DataError where the files are missing, half there or corrupt."""
        raise TypeError(f"{type(self).__name__} does not say how it loads")
