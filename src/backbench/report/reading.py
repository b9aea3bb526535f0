"""Records from folders, each checked: its schema's version, its form, and that it says what it said when it was
written.

A folder is what `backbench run --out` leaves (`records/*.json` beside `study.json`), a folder of record files, or one
record file. A file that can't be trusted is never left out silently: `find_records` names all of them in one error;
`scan` hands them back beside the sound ones, for a report that lists them.
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from os import listdir
from os.path import isdir, isfile, islink, realpath, sep
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import from_json

from backbench.errors import BackbenchError, UsageError
from backbench.records.schema import SCHEMA_VERSION, Record
from backbench.spec.cell import canonical

MAX_BYTES = 256 * 1024**2  # a record holds raw samples of one cell: kilobytes, at most a few megabytes
MAX_NAMED = 20  # faulty files that an error lists
MAX_IMAGES = 10**7  # of a test part; a few packed bytes can claim any number
LARGEST = 1e18  # no second, byte or joule of a measurement is larger; sums of such numbers stay finite
NO_RECORDS = frozenset({"study.json", "artefact.json", "manifest.json"})  # other JSON that may lie in such a folder


@dataclass(frozen=True)
class Found:
    """A record and where it lay: `folder` is its study's, and tells runs apart."""

    record: Record
    path: Path
    folder: Path

    @cached_property
    def correct(self) -> NDArray[np.bool_] | None:
        """Whether each test image is right. Raises BackbenchError where the record's predictions are no predictions."""
        found = self.record.predictions
        if found is None:
            return None
        try:
            return np.equal(unpacked(found.predicted, found.n), unpacked(found.labels, found.n))
        except (ValueError, zlib.error):
            raise BackbenchError(
                f"{self.path}: this record is malformed: its predictions are not those of {found.n} images"
            ) from None


@dataclass(frozen=True)
class Scan:
    """What was read, and a sentence for each file that could not be used."""

    found: tuple[Found, ...]
    faults: tuple[str, ...]


@lru_cache(maxsize=64)  # the records of one dataset share their labels
def unpacked(text: str, n: int) -> NDArray[np.uint16]:
    """The `n` numbers packed in `text`. Raises ValueError or zlib.error where it holds others, or more."""
    if not 1 <= n <= MAX_IMAGES:
        raise ValueError(f"{n} images")
    data = zlib.decompressobj().decompress(b64decode(text), 2 * n + 2)
    if len(data) != 2 * n:
        raise ValueError(f"not {n} numbers")
    return np.frombuffer(data, dtype="<u2")


def read_records(folders: Sequence[Path]) -> list[Record]:
    """The records of all folders, in the order of the folders and of the file names.

    Raises UsageError where a folder is not there, BackbenchError naming every file that is no sound record.
    """
    return [found.record for found in find_records(folders)]


def find_records(folders: Sequence[Path]) -> list[Found]:
    """As `read_records`, with each record's file and folder; a file that is named twice is read once."""
    scanned = scan(folders)
    if scanned.faults:
        raise BackbenchError(listed(scanned.faults))
    return list(scanned.found)


def scan(folders: Sequence[Path]) -> Scan:
    """Every record file, read or refused. Raises UsageError where a folder is not there."""
    found: list[Found] = []
    faults: list[str] = []
    for path, folder in distinct_files(folders).items():
        try:
            item = Found(read_record(path), path, folder)
            _ = item.correct  # raises
            found.append(item)
        except BackbenchError as error:
            faults.append(str(error))
    return Scan(tuple(found), tuple(faults))


def distinct_files(folders: Sequence[Path]) -> dict[Path, Path]:
    """Record file → its study's folder; a file that is named twice stands once."""
    seen: set[str] = set()
    files: dict[Path, Path] = {}
    for folder in folders:
        paths = record_files(folder)
        place = realpath(paths[0].parent) if paths else ""  # one folder's files lie in one place
        study = study_folder(paths[0]) if paths else Path()
        for path in paths:
            linked = islink(path)
            real = realpath(path) if linked else f"{place}{sep}{path.name}"
            if real not in seen:
                seen.add(real)
                files[path] = study_folder(path) if linked else study
    return files


def listed(faults: Sequence[str]) -> str:
    """The sentences as one text, the first ones where there are many."""
    more = [f"… and {len(faults) - MAX_NAMED} more files"] if len(faults) > MAX_NAMED else []
    return "\n".join([*faults[:MAX_NAMED], *more])


def record_files(folder: Path) -> list[Path]:
    """The record files of a folder, sorted; a file stands for itself. Raises UsageError where nothing is there."""
    if isfile(folder):
        return [folder]
    if not isdir(folder):  # pathlib's raise where a name is too long to be one
        raise UsageError(f"{str(folder)[:200]}: there is no such folder or file")
    place = folder / "records" if isdir(folder / "records") else folder
    names = (name for name in listdir(place) if name.endswith(".json") and not name.startswith("."))
    return [place / name for name in sorted(names) if name not in NO_RECORDS]


def study_folder(path: Path) -> Path:
    """The folder that holds the record's `study.json`, if it has one."""
    folder = path.resolve().parent
    return folder.parent if folder.name == "records" else folder


def read_record(path: Path) -> Record:
    """One record file. Raises BackbenchError with one sentence that names it."""
    data = read_json(path)
    if not isinstance(data, dict) or "schema_version" not in data or "cell_id" not in data:
        raise BackbenchError(f"{path}: this is JSON, but no backbench record (it has no schema_version and cell_id)")
    check_version(path, data["schema_version"])
    try:
        record = Record.model_validate(data)
    except ValidationError as error:
        refuse_form(path, error)
    except BackbenchError as error:
        raise BackbenchError(f"{path}: this record is malformed: {error}") from None
    refuse_numbers(path, record)
    if record.record_id not in content_hashes(path, data, record):
        raise BackbenchError(
            f"{path}: this record was changed after it was written (its content is not what its record_id says)"
        )
    return record


def read_json(path: Path) -> Any:
    """The file's JSON; NaN and infinity are no JSON. pydantic's parser, because it is six times as fast on floats."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BackbenchError(f"{path}: {path.stat().st_size:,} bytes; a record has at most {MAX_BYTES:,}")
        return from_json(path.read_bytes(), allow_inf_nan=False)
    except ValueError as error:
        raise BackbenchError(f"{path}: not JSON, or cut off: {shortened(error)}") from None
    except OSError as error:
        raise BackbenchError(f"{path}: can't be read: {error.strerror}") from None


def check_version(path: Path, version: object) -> None:
    """Raises BackbenchError where this version of backbench can't read the record's schema."""
    if version == SCHEMA_VERSION and not isinstance(version, bool):
        return
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BackbenchError(
            f"{path}: written by a newer backbench (record schema {version}; this one reads {SCHEMA_VERSION}): "
            "upgrade backbench"
        )
    raise BackbenchError(
        f"{path}: record schema {str(version)[:40]!r} is not one that this backbench reads ({SCHEMA_VERSION}): "
        "read it with the backbench that wrote it"
    )


def refuse_form(path: Path, error: ValidationError) -> NoReturn:
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])[:200] or "record"
    more = f" (and {error.error_count() - 1} more faults)" if error.error_count() > 1 else ""
    raise BackbenchError(f"{path}: this record is malformed: {place}: {first['msg']}{more}")


def refuse_numbers(path: Path, record: Record) -> None:
    """Raises BackbenchError for a measured value that can be no time, size or energy."""
    for name, measurement in record.measurements.items():
        for sample in measurement.samples:
            if sample.values and max(max(sample.values), -min(sample.values)) > LARGEST:
                place = f"measurements.{name[:60]}"
                raise BackbenchError(f"{path}: this record is malformed: {place}: a value over {LARGEST:g}")


def content_hashes(path: Path, data: Mapping[str, Any], record: Record) -> Iterator[str]:
    """What `record_id` may be: the hash of the file's own data (quick), or of the record with its defaults filled in."""
    try:
        said = canonical({key: value for key, value in data.items() if key != "record_id"})
        yield hashlib.sha256(said.encode()).hexdigest()
        yield record.content_hash()
    except (ValueError, RecursionError) as error:  # a number that overflowed to infinity, or nesting without end
        raise BackbenchError(f"{path}: this record is malformed: {shortened(error)}") from None


def shortened(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def records_in(folders: Sequence[Path]) -> list[Found]:
    """As `find_records`, but at least one. Raises UsageError where the folders hold none."""
    found = find_records(folders)
    if not found:
        raise UsageError(none_in(folders))
    return found


def none_in(folders: Sequence[Path]) -> str:
    names = ", ".join(map(str, folders)) or "no folder given"
    return f"{names}: there are no records (a run writes them to OUT/records/*.json)"
