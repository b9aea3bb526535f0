"""A folder of images, one folder a class: `train/CLASS/*.jpg` and `test/CLASS/*.jpg` (or `val`), or only `CLASS/*.jpg`.

Where there are no parts, a fifth is drawn as test by the fixed seed. Classes are sorted by name, files by path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from backbench.data.files import identity_of, place_of
from backbench.data.images import Files
from backbench.data.source import Stored, StoredPart, StoredSource, blob_part, encoding
from backbench.data.titles import mirrored, title_of
from backbench.errors import DataError

SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))
PARTS = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}
LAYOUT = "train/CLASS/*.jpg and test/CLASS/*.jpg (or val), or CLASS/*.jpg"


class ImageFolder(StoredSource):
    """Any folder of images: `path` is a folder's name under the data root, or a path."""

    path: str = Field(min_length=1)

    def folder(self, root: Path) -> Path:
        return place_of(self.path, root)

    def check(self, root: Path, *, download: bool = False) -> None:
        parts_of(self.folder(root))

    def identity(self, root: Path) -> dict[str, Any] | None:
        folder = self.folder(root)
        files = [file for part in parts_of(folder).values() for several in part.values() for file in several]
        return {"name": folder.resolve().name, "files": identity_of(folder, files)}

    def read(self, root: Path) -> Stored:
        folder = self.folder(root)
        found = parts_of(folder)
        classes = tuple(found["train"]) if "train" in found else tuple(next(iter(found.values())))
        parts = {name: part_of(part) for name, part in found.items()}
        stored = encoding([header for part in parts.values() for header in part.headers])
        name = folder.resolve().name
        return Stored(
            name=name,
            title=title_of(name, stored),
            classes=classes,
            train=parts.get("train"),
            test=parts.get("test"),
            validation=parts.get("validation"),
            mirrored=mirrored(name),
            provenance={"layout": "image folder", "orientation": "as stored"},
        )


def part_of(files: dict[str, list[Path]]) -> StoredPart:
    labels = np.repeat(np.arange(len(files)), [len(several) for several in files.values()]).astype(np.int64)
    return blob_part(labels, Files(tuple(file for several in files.values() for file in several)))


def parts_of(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Part → class → files. Raises DataError where there is no image, a class is empty, or parts have other classes."""
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder; expected {LAYOUT}")
    inner = {
        part: next((place for name in names if (place := folder / name).is_dir()), None)
        for part, names in PARTS.items()
    }
    places = {part: place for part, place in inner.items() if place is not None}
    if "train" not in places:
        places = {"train": folder}
    found = {part: classes_of(place) for part, place in places.items()}
    first = set(found["train"])
    for part, classes in found.items():
        if set(classes) != first:
            name = sorted(first ^ set(classes))[0]
            raise DataError(f"{places[part]}: the class {name!r} is not in both train and {part}")
    return found


def classes_of(folder: Path) -> dict[str, list[Path]]:
    names = sorted(place.name for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))
    if not names:
        raise DataError(f"{folder}: no class folder is there; expected {LAYOUT}")
    found = {name: images_in(folder / name) for name in names}
    empty = next((name for name, files in found.items() if not files), None)
    if empty:
        raise DataError(f"{folder / empty}: no image is there (one of {', '.join(sorted(SUFFIXES))})")
    return found


def images_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
