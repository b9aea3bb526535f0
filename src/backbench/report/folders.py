"""Records from folders: what `backbench run --out` leaves (`records/*.json` beside `study.json`), a folder of such runs,
a folder of record files, or one record file.

A file that can't be trusted is never left out silently: `find_records` names all of them in one error; `scan` hands
them back beside the sound ones, for a report that lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import listdir
from os.path import isdir, isfile, islink, realpath, sep
from pathlib import Path

from backbench.errors import BackbenchError, UsageError
from backbench.records.schema import Record
from backbench.report.reading import Found, read_record

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
    for folder in (run for given in folders for run in runs(given)):
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


def runs(folder: Path) -> list[Path]:
    """The folder, or the runs inside it where it holds no records of its own."""
    if not isdir(folder) or isdir(folder / "records") or record_files(folder):
        return [folder]
    inside = [folder / name for name in sorted(listdir(folder)) if isdir(folder / name / "records")]
    return inside or [folder]


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
