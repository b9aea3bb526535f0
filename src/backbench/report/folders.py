"""Records from folders: what `backbench run --out` leaves (`records/*.json` beside `study.json`), a folder of record
files, or one record file.

A file that can't be trusted is never left out silently: `find_records` names all of them in one error; `scan` hands
them back beside the sound ones, for a report that lists them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from os import listdir
from os.path import isdir, isfile, islink, realpath, sep
from pathlib import Path

from backbench.errors import BackbenchError, UsageError
from backbench.records.schema import Record
from backbench.report.reading import Found, parsed, read_bytes, read_record
from backbench.report.sealing import MANY, hashing

MAX_NAMED = 20  # faulty files that an error lists
NO_RECORDS = frozenset({"study.json", "artefact.json", "manifest.json"})  # other JSON that may lie in such a folder


@dataclass(frozen=True)
class Scan:
    """What was read, and a sentence for each file that could not be used."""

    found: tuple[Found, ...]
    faults: tuple[str, ...]


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
    files = distinct_files(folders)
    read = helped(files) if len(files) >= MANY else [attempt(path, folder) for path, folder in files.items()]
    found = tuple(item for item in read if isinstance(item, Found))
    return Scan(found, tuple(item for item in read if isinstance(item, str)))


def helped(files: Mapping[Path, Path]) -> list[Found | str]:
    """As `attempt` of each, the hashes by a helper; a file of which it proves nothing is read again, in full."""
    with hashing(files) as proved:
        early = {path: unhashed(path, folder) for path, folder in files.items()}
        sound = proved()
    return [
        found if found and digest in sound else attempt(path, files[path]) for path, (found, digest) in early.items()
    ]


def unhashed(path: Path, folder: Path) -> tuple[Found | None, str]:
    """The record, its hash not yet looked at, and the SHA-256 of the file's bytes; None where it can't be used."""
    try:
        raw = read_bytes(path)
        found = Found(parsed(path, raw)[1], path, folder)
        _ = found.correct  # raises
    except BackbenchError:
        return None, ""
    return found, sha256(raw).hexdigest()


def attempt(path: Path, folder: Path) -> Found | str:
    """One file, or the sentence that says why it can't be used."""
    try:
        found = Found(read_record(path), path, folder)
        _ = found.correct  # raises
    except BackbenchError as error:
        return str(error)
    return found


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


def records_in(folders: Sequence[Path]) -> list[Found]:
    """As `find_records`, but at least one. Raises UsageError where the folders hold none."""
    found = find_records(folders)
    if not found:
        raise UsageError(none_in(folders))
    return found


def none_in(folders: Sequence[Path]) -> str:
    names = ", ".join(map(str, folders)) or "no folder given"
    return f"{names}: there are no records (a run writes them to OUT/records/*.json)"
