"""The index of a large report: what was printed and which files were written, as long as nothing has changed.

A file beside the report. It is used only where every record (path, size, times of change of content and of inode), the
study files, the schema and backbench itself are what they were, and the report's files are as they were written;
otherwise everything is read and hashed again. Nothing is trusted that could have changed unseen: with records younger
than two seconds (a file system's clock is coarse) no index is kept. It lies where the report is written, so
that records on a read-only disk need none beside them; `verify` never uses it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

import backbench
from backbench.errors import BackbenchError
from backbench.records.schema import SCHEMA_VERSION
from backbench.records.store import write_atomically
from backbench.report.folders import distinct_files
from backbench.report.terminal import Shown

NAME = ".report-index.json"
LEAST = 200  # records; fewer are read faster than a person notices
YOUNG = 2 * 10**9  # nanoseconds
CODE = ("report", "records", "statistics", "spec")  # what the report's text depends on


@dataclass(frozen=True)
class State:
    """What a report is made from, as one digest."""

    digest: str
    records: int
    settled: bool  # whether any later change must show in a file's times


class Index(BaseModel):
    """`files`: name → size, change of content and of inode (nanoseconds)."""

    model_config = ConfigDict(frozen=True)

    digest: str
    files: dict[str, tuple[int, int, int]]
    shown: Shown


def state_of(folders: Sequence[Path], *options: str) -> State:
    """Of the records in these folders, their studies, and the code. Raises UsageError where a folder is not there."""
    started = time.time_ns()
    files = distinct_files(folders)
    studies = sorted({folder / "study.json" for folder in files.values()})
    facts = [(str(path), *stat_of(path)) for path in (*files, *studies)]
    newest = max((max(content, inode) for _, _, content, inode in facts), default=0)
    said = repr((facts, list(code_facts()), SCHEMA_VERSION, backbench.__version__, options))
    return State(sha256(said.encode(errors="surrogateescape")).hexdigest(), len(files), newest < started - YOUNG)


def stat_of(path: Path) -> tuple[int, int, int]:
    """Size and times; zeros where there is no such file."""
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0, 0
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def code_facts() -> Iterator[tuple[str, int, int]]:
    """Another version of backbench, a changed checkout too, prints another report."""
    package = Path(backbench.__file__).parent
    for folder in CODE:
        for entry in sorted(os.scandir(package / folder), key=lambda entry: entry.name):
            if entry.name.endswith(".py"):
                yield entry.path, entry.stat().st_size, entry.stat().st_mtime_ns


def kept(out: Path, state: State) -> Index | None:
    """The index in `out`, where it is this state's and the files stand as they were written."""
    path = out / NAME
    if state.records < LEAST or not path.is_file():
        return None
    try:
        found = Index.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    same = all(stat_of(out / name) == fact for name, fact in found.files.items())
    return found if found.digest == state.digest and same else None


def keep(out: Path, state: State, names: Sequence[str], shown: Shown) -> None:
    """Writes the index, where it pays and can be trusted; a folder that can't be written has none."""
    if state.records >= LEAST and state.settled:
        made = Index(digest=state.digest, files={name: stat_of(out / name) for name in names}, shown=shown)
        with suppress(BackbenchError):
            write_atomically(out / NAME, made.model_dump_json())
