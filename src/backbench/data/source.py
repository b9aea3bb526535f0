"""What the datasets have in common: a source's stored parts, made into a Dataset with validation, checksum and moments.

The checksum is SHA-256 over the parts as the source stores them (train, validation, test; those that it has), before
any part is drawn: for each part its name and count, each image (its stored bytes, or its shape and pixels), and the
labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench.data.dataset import Dataset, DatasetSource, Split
from backbench.data.images import ArrayImages, Blobs, EncodedImages, Header, read_header
from backbench.data.moments import moments
from backbench.data.split import SEED, TEST_SHARE, draw, validation_count
from backbench.errors import DataError

IN_MEMORY = 2**30  # bytes of pixels up to which a dataset of one size is decoded as a whole


@dataclass(frozen=True)
class StoredPart:
    """Images and labels as a source stores them: pixels (N × H × W × C), or blobs with their headers."""

    labels: NDArray[np.int64]
    pixels: NDArray[np.uint8] | None = None
    blobs: Blobs | None = None
    headers: tuple[Header, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Stored:
    """A source's content. A missing test part is drawn from train; a validation part of the source's own is kept."""

    name: str
    title: str
    classes: tuple[str, ...]
    train: StoredPart | None
    test: StoredPart | None
    validation: StoredPart | None = None
    mirrored: bool = True
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, StoredPart]:
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}


class StoredSource(DatasetSource):
    """A source that reads stored parts; all the rest follows from them."""

    def read(self, root: Path) -> Stored:
        """Raises DataError where the files are missing, half there or corrupt."""
        raise TypeError(f"{type(self).__name__} does not say how it reads")

    def load(self, root: Path, *, download: bool = False) -> Dataset:
        if download:
            self.fetch(root)
        self.check(root)
        return dataset_of(self.read(root))


def blob_part(labels: NDArray[np.int64], blobs: Blobs) -> StoredPart:
    """A part of encoded images. Raises DataError at the first that is none."""
    headers = tuple(read_header(blobs.read(index), blobs.place(index)) for index in range(len(blobs)))
    return StoredPart(labels, blobs=blobs, headers=headers)


def dataset_of(stored: Stored) -> Dataset:
    """The dataset of these stored parts: validation and, where it is missing, test drawn by the fixed seed."""
    if not any(map(len, stored.parts.values())):
        raise DataError(f"{stored.name}: the dataset holds no image")
    headers = [header for part in stored.parts.values() for header in part.headers]
    whole = in_memory(stored)
    given = {name: split_of(part, whole, grey(headers)) for name, part in stored.parts.items()}
    splits, drawn = completed(given)
    channels = int(next(split for split in splits.values() if len(split)).images.read([0])[0].shape[-1])
    source = "train" if len(splits["train"]) else "test"
    mean, std, count = moments(splits[source].images, channels)
    return Dataset(
        name=stored.name,
        title=stored.title,
        classes=stored.classes,
        **splits,
        channels=channels,
        size=size_of(list(given.values())),
        mean=mean,
        std=std,
        checksum=checksum(stored),
        encoding=encoding(headers),
        provenance={
            **stored.provenance,
            "images": {name: len(split) for name, split in splits.items()},
            "parts": drawn,
            "moments": f"{count} images of {source}",
        },
        mirrored=stored.mirrored,
    )


def in_memory(stored: Stored) -> bool:
    """Whether all images have one size and their pixels are few enough to be held at once."""
    headers = [header for part in stored.parts.values() for header in part.headers]
    sizes = {header.size for header in headers}
    return len(sizes) == 1 and len(headers) * headers[0].size[0] * headers[0].size[1] * 3 <= IN_MEMORY


def grey(headers: Sequence[Header]) -> bool:
    return bool(headers) and all(header.grey for header in headers)


def encoding(headers: Sequence[Header]) -> str:
    """Derived from the stored bytes, never from a file's name."""
    formats = {header.format for header in headers}
    return "mixed" if len(formats) > 1 else next(iter(formats), "raw")


def split_of(part: StoredPart, whole: bool, grey: bool) -> Split:
    """Pixels as they are; blobs decoded where the whole dataset fits, else decoded when they are read."""
    if part.pixels is not None:
        return Split(ArrayImages(part.pixels), part.labels)
    assert part.blobs is not None
    sizes = np.array([header.size for header in part.headers], dtype=np.int64).reshape(-1, 2)
    lazy = EncodedImages(part.blobs, 1 if grey else 3, sizes)
    return Split(ArrayImages(lazy.array(), part.blobs) if whole else lazy, part.labels)


def completed(splits: dict[str, Split]) -> tuple[dict[str, Split], dict[str, str]]:
    """All three parts, and in words how those that the source lacks were made."""
    said = dict.fromkeys(splits, "of the source")
    parts = dict(splits)
    if "test" not in parts and "validation" in parts:
        parts["test"] = parts.pop("validation")
        said = {name: text for name, text in said.items() if name != "validation"} | {"test": "the source's validation"}
    if "train" not in parts:  # a lone test file: nothing to train on, nothing to select on
        parts["train"] = subset(parts["test"], np.empty(0, np.int64))
        said["train"] = "empty: the source has none"
    if "test" not in parts:
        count = round(len(parts["train"]) * TEST_SHARE)
        parts["train"], parts["test"] = drawn(parts["train"], count)
        said["test"] = f"{len(parts['test'])} images of train, seed {SEED}, each class in its share"
    if "validation" not in parts:
        parts["train"], parts["validation"] = drawn(parts["train"], validation_count(len(parts["train"])))
        said["validation"] = f"{len(parts['validation'])} images of train, seed {SEED}, each class in its share"
    return {name: parts[name] for name in ("train", "validation", "test")}, said


def drawn(split: Split, count: int) -> tuple[Split, Split]:
    kept, taken = draw(split.labels, count)
    return subset(split, kept), subset(split, taken)


def subset(split: Split, indices: NDArray[np.int64]) -> Split:
    assert isinstance(split.images, (ArrayImages, EncodedImages))
    return Split(split.images.subset(indices), split.labels[indices])


def size_of(splits: Sequence[Split]) -> tuple[int, int] | None:
    """Height and width of every image, or None where they differ."""
    sizes = {size for split in splits for size in sizes_of(split)}
    return sizes.pop() if len(sizes) == 1 else None


def sizes_of(split: Split) -> set[tuple[int, int]]:
    if isinstance(split.images, EncodedImages):
        return {(int(height), int(width)) for height, width in np.unique(split.images.sizes, axis=0)}
    height, width = split.images.array().shape[1:3]
    return {(height, width)} if len(split) else set()


def checksum(stored: Stored) -> str:
    """See the top of this file."""
    digest = hashlib.sha256()
    for name, part in stored.parts.items():
        digest.update(f"{name} {len(part)}\n".encode())
        if part.pixels is not None:
            digest.update(f"{part.pixels.shape[1:]}\n".encode())
            digest.update(np.ascontiguousarray(part.pixels).data)
        else:
            hash_blobs(digest, part)
        digest.update(part.labels.astype("<i8").tobytes())
    return digest.hexdigest()


def hash_blobs(digest: Any, part: StoredPart) -> None:
    assert part.blobs is not None
    for index in range(len(part)):
        data = part.blobs.read(index)
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
