"""Decoded datasets on disk, so that the next process opens them in milliseconds instead of decoding again.

    <cache>/datasets/<key>/
        meta.json                      all but the images, and each file's size: what is truncated is made again
        PART.pixels.npy                uint8 N × H × W × C, mapped into memory when read
        PART.labels.npy                int64
        PART.bytes.npy, .offsets.npy   the bytes as stored, where the source is encoded

The key is made of the source's files (names, sizes, times of change), the options, and Pillow's version, which decodes.
A folder is written under another name and renamed when it is whole. A cache that can't be written is no error.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from backbench.data.dataset import Dataset, Split
from backbench.data.images import ArrayImages, Blobs, Packed
from backbench.spec.cell import digest

VERSION = 1  # of this layout and of all that is derived: split, moments, checksum
PARTS = ("train", "validation", "test")
PLAIN = ("name", "title", "channels", "checksum", "encoding", "provenance", "mirrored")
LISTS = ("classes", "mean", "std")


def cached(folder: Path, identity: dict[str, Any], load: Callable[[], Dataset]) -> Dataset:
    """The dataset from the cache, or loaded and put there where it is small enough to be decoded as a whole."""
    place = folder / "datasets" / digest({"version": VERSION, "pillow": PIL.__version__, **identity}, length=24)
    found = opened(place)
    if found is not None:
        return found
    dataset = load()
    if not all(isinstance(getattr(dataset, part).images, ArrayImages) for part in PARTS):
        return dataset
    try:
        write(place, dataset)
    except OSError:  # no space, or read-only: the dataset is here, only the next process pays again
        return dataset
    return opened(place) or dataset


def opened(place: Path) -> Dataset | None:
    """The dataset in this folder, or None where it is not there or not whole."""
    try:
        meta = json.loads((place / "meta.json").read_text(encoding="utf-8"))
        if any((place / name).stat().st_size != size for name, size in meta["files"].items()):
            return None
        parts = {part: read_part(place, part, f"{place}/{part}.bytes.npy") for part in PARTS}
        fields = {name: meta[name] for name in PLAIN} | {name: tuple(meta[name]) for name in LISTS}
        size = tuple(meta["size"]) if meta["size"] else None
        return Dataset(**fields, size=size, train=parts["train"], validation=parts["validation"], test=parts["test"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_part(place: Path, part: str, name: str) -> Split:
    pixels = mapped(place / f"{part}.pixels.npy")
    offsets = place / f"{part}.offsets.npy"
    blobs = Packed(mapped(place / f"{part}.bytes.npy"), np.load(offsets), ((name, 0),)) if offsets.exists() else None
    return Split(ArrayImages(pixels, blobs), np.load(place / f"{part}.labels.npy"))


def mapped(file: Path) -> NDArray[np.uint8]:
    """Copy on write: whoever writes into it changes his own copy, and torch takes it without a warning."""
    return np.asarray(np.load(file, mmap_mode="c"))


def write(place: Path, dataset: Dataset) -> None:
    """All or nothing. Raises OSError."""
    draft = place.with_name(f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.mkdir(parents=True)
    try:
        for part in PARTS:
            write_part(draft, part, getattr(dataset, part))
        files = {file.name: file.stat().st_size for file in draft.iterdir()}
        meta = {name: getattr(dataset, name) for name in (*PLAIN, *LISTS, "size")} | {"files": files}
        with (draft / "meta.json").open("w", encoding="utf-8") as stream:
            json.dump(meta, stream, indent=1)
            settle(stream.fileno)
        replace(draft, place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def replace(draft: Path, place: Path) -> None:
    """Puts the finished folder in its place, where another process may have been faster or a broken one may stand."""
    if place.exists() and opened(place) is None:
        shutil.rmtree(place, ignore_errors=True)
    try:
        draft.rename(place)
    except OSError:
        if opened(place) is None:
            raise


def write_part(folder: Path, part: str, split: Split) -> None:
    assert isinstance(split.images, ArrayImages)
    save(folder / f"{part}.pixels.npy", split.images.pixels)
    save(folder / f"{part}.labels.npy", split.labels)
    if split.images.blobs is not None:
        data, offsets = packed(split.images.blobs)
        save(folder / f"{part}.bytes.npy", data)
        save(folder / f"{part}.offsets.npy", offsets)


def packed(blobs: Blobs) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    found = [blobs.read(index) for index in range(len(blobs))]
    offsets = np.cumsum([0, *map(len, found)], dtype=np.int64)
    return np.frombuffer(b"".join(found), np.uint8), offsets


def save(file: Path, array: NDArray[Any]) -> None:
    with file.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
        settle(stream.fileno)


def settle(number: Callable[[], int]) -> None:
    """On disk before the folder gets its name: a power cut leaves no file of the right size with nothing in it."""
    os.fsync(number())
