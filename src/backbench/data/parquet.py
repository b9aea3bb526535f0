"""Hugging Face-style Parquet: columns `image` (a struct of `bytes` and `path`) and `label`, one row an image.

    <root>/<name>/{train,test}*.parquet          also validation*, and all of them under data/
    <root>/<name>/data/train-00000-of-00002.parquet …

A folder with Parquet files is a dataset of that folder's name. Class names are the schema's (`huggingface` metadata),
else the labels' numbers. A single file that names no part serves as test. All stored bytes are held in memory.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from backbench.data.files import identity_of, place_of
from backbench.data.images import Packed
from backbench.data.source import Stored, StoredPart, StoredSource, blob_part, encoding
from backbench.data.titles import mirrored, title_of
from backbench.errors import DataError

if TYPE_CHECKING:
    import pyarrow

PARTS = {"train": "train", "test": "test", "validation": "validation", "valid": "validation", "val": "validation"}
LAYOUT = "train*.parquet and test*.parquet with the columns image {bytes, path} and label"


class Parquet(StoredSource):
    """A folder with Parquet files: `path` is a folder's name under the data root, or a path."""

    path: str = Field(min_length=1)

    def check(self, root: Path, *, download: bool = False) -> None:
        shards(self.folder(root))

    def identity(self, root: Path) -> dict[str, Any] | None:
        folder = self.folder(root)
        files = identity_of(folder, (file for several in shards(folder).values() for file in several))
        return {"name": folder.name, "files": files}

    def folder(self, root: Path) -> Path:
        return place_of(self.path, root)

    def read(self, root: Path) -> Stored:
        folder = self.folder(root)
        tables = {name: [read_file(file) for file in files] for name, files in shards(folder).items()}
        parts = {name: part_of(found) for name, found in tables.items()}
        classes = class_names(next(iter(tables.values()))[0][1], parts, folder)
        stored = encoding([header for part in parts.values() for header in part.headers])
        return Stored(
            name=folder.name,
            title=title_of(folder.name, stored),
            classes=classes,
            train=parts.get("train"),
            test=parts.get("test"),
            validation=parts.get("validation"),
            mirrored=mirrored(folder.name),
            provenance={"layout": "parquet", "orientation": "as stored"},
        )


def shards(folder: Path) -> dict[str, list[Path]]:
    """The files of each part, in order. Raises DataError where there are none, or a numbered one is missing."""
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder; expected {LAYOUT}")
    inner = folder / "data"
    files = sorted(folder.glob("*.parquet")) or sorted(inner.glob("*.parquet"))
    found: dict[str, list[Path]] = {}
    for file in files:
        word = re.match(r"[a-z]+", file.name.lower())
        found.setdefault(PARTS.get(word[0] if word else "", "other"), []).append(file)
    other = found.pop("other", [])
    if not found and len(other) == 1:
        return {"test": other}
    if not found:
        raise DataError(f"{folder}: {'no Parquet file' if not files else 'no part'} is there; expected {LAYOUT}")
    for several in found.values():
        complete(several)
    return found


def complete(files: list[Path]) -> None:
    """Raises DataError where `…-00001-of-00004` has not all its siblings."""
    numbered = [match for file in files if (match := re.search(r"-(\d+)-of-(\d+)", file.name))]
    for match in numbered[:1]:
        missing = set(range(int(match[2]))) - {int(one[1]) for one in numbered}
        if missing:
            raise DataError(
                f"{files[0].parent}: {len(missing)} of {int(match[2])} files like {files[0].name} are missing"
                f" (number {min(missing)} first): the download is not complete"
            )


def read_file(file: Path) -> tuple[Path, pyarrow.Table]:
    """Raises DataError where the file is truncated, no Parquet, or has other columns."""
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{file}: this is no whole Parquet file: {first_line(error)}") from None
    names = table.column_names
    image = table.schema.field("image").type if "image" in names else None
    if (
        image is None
        or "label" not in names
        or not pyarrow.types.is_struct(image)
        or image.get_field_index("bytes") < 0
    ):
        raise DataError(f"{file}: the columns are {', '.join(names)}; expected image {{bytes, path}} and label")
    if not pyarrow.types.is_integer(table.schema.field("label").type):
        raise DataError(f"{file}: label is {table.schema.field('label').type}; expected an integer")
    return file, table


def part_of(tables: list[tuple[Path, pyarrow.Table]]) -> StoredPart:
    """The rows of all files, one behind the other."""
    data, lengths, labels, rows = [], [], [], []
    count = 0
    for file, table in tables:
        whole(file, table)
        rows.append((str(file), count))
        count += table.num_rows
        labels.append(table["label"].to_numpy().astype(np.int64))
        for chunk in table["image"].chunks:
            packed, sizes = bytes_of(chunk)
            data.append(packed)
            lengths.append(sizes)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate([*lengths, np.empty(0, np.int64)]))]).astype(np.int64)
    blobs = Packed(np.concatenate([*data, np.empty(0, np.uint8)]), offsets, tuple(rows))
    return blob_part(np.concatenate(labels), blobs)


def whole(file: Path, table: pyarrow.Table) -> None:
    """Raises DataError at the first row without bytes or with a label that is none."""
    from pyarrow import compute

    missing = compute.is_null(compute.struct_field(table["image"], "bytes"))
    unlabelled = compute.or_kleene(compute.is_null(table["label"]), compute.less(table["label"], 0))
    for mask, what in ((missing, "holds no image bytes"), (unlabelled, "has no label (null or negative)")):
        row = compute.index(mask, True).as_py()
        if row >= 0:
            raise DataError(f"{file}, row {row}: {what}")


def bytes_of(chunk: pyarrow.StructArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One chunk's bytes, packed, and each image's length."""
    import pyarrow
    from pyarrow import compute

    array = compute.struct_field(chunk, "bytes").cast(pyarrow.large_binary())
    if not len(array):
        return np.empty(0, np.uint8), np.empty(0, np.int64)
    buffers = array.buffers()
    offsets = np.frombuffer(buffers[1], np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(buffers[2], np.uint8)[offsets[0] : offsets[-1]], np.diff(offsets)


def class_names(table: pyarrow.Table, parts: dict[str, StoredPart], folder: Path) -> tuple[str, ...]:
    """From the schema's `huggingface` metadata, else the labels' numbers; every label must have a name."""
    highest = max((int(part.labels.max()) for part in parts.values() if len(part)), default=-1)
    names = stated_names(table) or tuple(map(str, range(highest + 1)))
    if highest >= len(names):
        raise DataError(f"{folder}: label {highest} stands in a row, but only {len(names)} classes are named")
    return names


def stated_names(table: pyarrow.Table) -> tuple[str, ...]:
    text = (table.schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        names = json.loads(text)["info"]["features"]["label"]["names"]
    except (ValueError, KeyError, TypeError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
