"""Records from folders, each checked: its schema's version, its form, and that it says what it said when it was
written.

A folder is what `backbench run --out` leaves (`records/*.json` beside `study.json`), a folder of record files, or one
record file. A file that can't be trusted is never left out silently: all of them are named, in one error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import isdir, isfile
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import from_json

from backbench.errors import BackbenchError, UsageError
from backbench.records.schema import SCHEMA_VERSION, Record

MAX_BYTES = 256 * 1024**2  # a record holds raw samples of one cell: kilobytes, at most a few megabytes
MAX_NAMED = 20  # faulty files that an error lists
NO_RECORDS = frozenset({"study.json", "artefact.json"})  # other JSON that may lie in such a folder


@dataclass(frozen=True)
class Found:
    """A record and where it lay: `folder` is its study's, and tells runs apart."""

    record: Record
    path: Path
    folder: Path


def read_records(folders: Sequence[Path]) -> list[Record]:
    """The records of all folders, in the order of the folders and of the file names.

    Raises UsageError where a folder is not there, BackbenchError naming every file that is no sound record.
    """
    return [found.record for found in find_records(folders)]


def find_records(folders: Sequence[Path]) -> list[Found]:
    """As `read_records`, with each record's file and folder; a file that is named twice is read once."""
    found: dict[Path, Found] = {}
    faults: list[str] = []
    for folder in folders:
        for path in record_files(folder):
            if path.resolve() in found:
                continue
            try:
                found[path.resolve()] = Found(read_record(path), path, study_folder(path))
            except BackbenchError as error:
                faults.append(str(error))
    if faults:
        more = [f"… and {len(faults) - MAX_NAMED} more files"] if len(faults) > MAX_NAMED else []
        raise BackbenchError("\n".join(faults[:MAX_NAMED] + more))
    return list(found.values())


def record_files(folder: Path) -> list[Path]:
    """The record files of a folder, sorted; a file stands for itself. Raises UsageError where nothing is there."""
    if isfile(folder):
        return [folder]
    if not isdir(folder):  # pathlib's raise where a name is too long to be one
        raise UsageError(f"{str(folder)[:200]}: there is no such folder or file")
    place = folder / "records" if (folder / "records").is_dir() else folder
    return sorted(
        path for path in place.glob("*.json") if path.name not in NO_RECORDS and not path.name.startswith(".")
    )


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
    if record.record_id != content_hash(path, record):
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


def content_hash(path: Path, record: Record) -> str:
    try:
        return record.content_hash()
    except ValueError as error:  # a number that overflowed to infinity
        raise BackbenchError(f"{path}: this record is malformed: {shortened(error)}") from None


def shortened(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def records_in(folders: Sequence[Path]) -> list[Found]:
    """As `find_records`, but at least one. Raises UsageError where the folders hold none."""
    found = find_records(folders)
    if not found:
        names = ", ".join(map(str, folders)) or "no folder given"
        raise UsageError(f"{names}: there are no records (a run writes them to OUT/records/*.json)")
    return found
