"""Decoded images: a uint8 array that holds all of them, or stored bytes that are decoded when they are read.

`Blobs` are the bytes as stored (a folder's files, a Parquet column); a blob that is no image raises DataError with
the name of its file, or the file and row, that it stands in.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backbench.errors import DataError

Indices = Sequence[int] | NDArray[np.int64]
BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
THREADS = 4  # Pillow decodes outside Python's lock…
THREADED_FROM = 128 * 128  # …which pays from this many pixels on: below, the lock itself costs more


class Blobs(Protocol):
    """Stored bytes by place."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> bytes: ...

    def place(self, index: int) -> str:
        """Where these bytes stand, as a person would look for them."""


@dataclass(frozen=True)
class Files:
    """One file an image."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> bytes:
        try:
            return self.paths[index].read_bytes()
        except OSError as error:
            raise DataError(f"{self.paths[index]}: the image can't be read: {error.strerror}") from None

    def place(self, index: int) -> str:
        return str(self.paths[index])


@dataclass(frozen=True)
class Packed:
    """All bytes behind one another: image i is `data[offsets[i]:offsets[i + 1]]`; `rows` names files by first row."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # one more than images
    rows: tuple[tuple[str, int], ...] = (("image", 0),)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def read(self, index: int) -> bytes:
        return self.data[self.offsets[index] : self.offsets[index + 1]].tobytes()

    def place(self, index: int) -> str:
        name, first = [row for row in self.rows if row[1] <= index][-1]
        return f"{name}, row {index - first}"


@dataclass(frozen=True)
class Chosen:
    """Some of the blobs, in this order."""

    blobs: Blobs
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, index: int) -> bytes:
        return self.blobs.read(int(self.indices[index]))

    def place(self, index: int) -> str:
        return self.blobs.place(int(self.indices[index]))


@dataclass(frozen=True, eq=False)
class ArrayImages:
    """A whole dataset as one uint8 array N × H × W × C, with the stored bytes where there were any."""

    pixels: NDArray[np.uint8]
    blobs: Blobs | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    def read(self, indices: Indices) -> list[NDArray[np.uint8]]:
        return list(self.pixels[np.asarray(indices, dtype=np.int64)])

    def array(self) -> NDArray[np.uint8]:
        return self.pixels

    def encoded(self, index: int) -> bytes | None:
        return None if self.blobs is None else self.blobs.read(index)

    def subset(self, indices: NDArray[np.int64]) -> ArrayImages:
        return ArrayImages(self.pixels[indices], None if self.blobs is None else Chosen(self.blobs, indices))


@dataclass(frozen=True, eq=False)
class EncodedImages:
    """Images decoded when they are read; `sizes` holds each one's height and width, from its header."""

    blobs: Blobs
    channels: int
    sizes: NDArray[np.int64]  # N × 2

    def __len__(self) -> int:
        return len(self.blobs)

    def read(self, indices: Indices) -> list[NDArray[np.uint8]]:
        chosen = [int(index) for index in indices]
        if len(chosen) < THREADS or not self._large():
            return [self._decode(index) for index in chosen]
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self._decode, chosen))

    def array(self) -> NDArray[np.uint8]:
        if not len(self):
            return np.empty((0, 1, 1, self.channels), np.uint8)
        if (self.sizes != self.sizes[0]).any():
            different = int((self.sizes != self.sizes[0]).any(axis=1).argmax())
            raise DataError(
                f"{self.blobs.place(different)}: {text(self.sizes[different])} px where the first image has"
                f" {text(self.sizes[0])}; images of different sizes are no single array"
            )
        return self._filled()

    def encoded(self, index: int) -> bytes | None:
        return self.blobs.read(index)

    def subset(self, indices: NDArray[np.int64]) -> EncodedImages:
        return EncodedImages(Chosen(self.blobs, indices), self.channels, self.sizes[indices])

    def _filled(self) -> NDArray[np.uint8]:
        height, width = (int(side) for side in self.sizes[0])
        pixels = np.empty((len(self), height, width, self.channels), np.uint8)

        for start in range(0, len(self), 256):
            for index, image in enumerate(self.read(range(start, min(start + 256, len(self)))), start):
                pixels[index] = image
        return pixels

    def _large(self) -> bool:
        return bool(self.sizes.prod(axis=1).mean() >= THREADED_FROM)

    def _decode(self, index: int) -> NDArray[np.uint8]:
        return decode(self.blobs.read(index), self.channels, self.blobs.place(index))


def text(size: NDArray[np.int64]) -> str:
    """Width × height, as people say it."""
    return f"{size[1]}×{size[0]}"


def decode(data: bytes, channels: int, place: str) -> NDArray[np.uint8]:
    """JPEG, PNG, … as uint8 height × width × channels (1: grey, 3: RGB). Raises DataError that names the place."""
    try:
        with Image.open(BytesIO(data)) as picture:
            if picture.mode.startswith("I;16"):  # Pillow would clip 16-bit grey at 255
                grey = np.asarray(picture, dtype=np.uint16) >> 8
                return np.repeat(grey.astype(np.uint8)[..., None], channels, axis=-1)
            wanted = "L" if channels == 1 else "RGB"
            pixels = np.array(picture if picture.mode == wanted else picture.convert(wanted), dtype=np.uint8)
    except BROKEN as error:
        raise DataError(f"{place}: the image can't be decoded: {reason(error)}") from None
    return pixels[..., None] if channels == 1 else pixels


@dataclass(frozen=True)
class Header:
    """What an image file says of itself before it is decoded."""

    format: str  # "jpeg", "png", …
    grey: bool
    size: tuple[int, int]  # height, width


def read_header(data: bytes, place: str) -> Header:
    """Raises DataError where the bytes are no image."""
    try:
        with Image.open(BytesIO(data)) as picture:
            grey = picture.mode in ("1", "L") or picture.mode.startswith("I")
            return Header((picture.format or "unknown").lower(), grey, (picture.height, picture.width))
    except BROKEN as error:
        raise DataError(f"{place}: the image can't be decoded: {reason(error)}") from None


def reason(error: BaseException) -> str:
    said = str(error).split("<_io.")[0].strip()  # Pillow names the object in memory: no help to a person
    return said or type(error).__name__
