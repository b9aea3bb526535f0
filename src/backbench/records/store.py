"""The folder of a run: one record a cell, one file a sample, each written at once and atomically.

    OUT/
        study.json                       the study as it was resolved
        records/<cell_id>.json           what the report reads
        samples/<cell_id>/<round>.json   what a killed run continues from
        rounds/<round>.json              the canary around each round
        checks/<cell_id>.json            gate and accuracy: the test part is evaluated once
        .lock                            held while a run writes here

A file that stands there is complete: it was written beside its place and moved.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from backbench.errors import BackbenchError, UsageError
from backbench.records.schema import Record


class RunFolder:
    """Where one study's results lie."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Raises UsageError where nothing can be written: known before anything runs."""
        try:
            for name in ("records", "samples", "rounds", "checks"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
            write_atomically(self.path / ".writable", "")
            (self.path / ".writable").unlink()
        except (OSError, BackbenchError) as error:
            raise UsageError(f"--out {self.path}: nothing can be written there: {reason(error)}") from None

    @contextmanager
    def lock(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Held by one run at a time; `waiting` is called once where another one holds it."""
        with (self.path / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def write_study(self, study: dict[str, Any]) -> None:
        write_json(self.path / "study.json", study)

    def write_record(self, record: Record) -> Path:
        path = self.path / "records" / f"{record.cell_id}.json"
        write_atomically(path, record.model_dump_json(indent=1) + "\n")
        return path

    def read_record(self, cell_id: str) -> Record | None:
        """The cell's record, or None where there is none that can be trusted."""
        path = self.path / "records" / f"{cell_id}.json"
        try:
            record = Record.model_validate_json(path.read_text())
        except (OSError, ValidationError):
            return None
        return record if record.record_id == record.content_hash() else None

    def write_sample(self, cell_id: str, number: int, data: dict[str, Any]) -> None:
        write_json(self.path / "samples" / cell_id / f"{number:03}.json", data)

    def read_samples(self, cell_id: str) -> dict[int, dict[str, Any]]:
        """The cell's samples by round; an unreadable file counts as not there."""
        return read_numbered(self.path / "samples" / cell_id)

    def write_check(self, cell_id: str, data: dict[str, Any]) -> None:
        write_json(self.path / "checks" / f"{cell_id}.json", data)

    def read_check(self, cell_id: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.path / "checks" / f"{cell_id}.json").read_text())
        except (OSError, ValueError):
            return None
        return found

    def write_round(self, number: int, data: dict[str, Any]) -> None:
        write_json(self.path / "rounds" / f"{number:03}.json", data)

    def read_rounds(self) -> dict[int, dict[str, Any]]:
        return read_numbered(self.path / "rounds")

    def void_round(self, number: int) -> None:
        """Takes a round's samples away; that it was voided is kept in its round file."""
        for path in (self.path / "samples").glob(f"*/{number:03}.json"):
            path.unlink()

    def discard_samples(self, cell_id: str) -> None:
        for path in (self.path / "samples" / cell_id).glob("*.json"):
            path.unlink()


def read_numbered(folder: Path) -> dict[int, dict[str, Any]]:
    found = {}
    for path in sorted(folder.glob("[0-9]*.json")):
        with suppress(OSError, ValueError):
            found[int(path.stem)] = json.loads(path.read_text())
    return found


def write_json(path: Path, data: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def write_atomically(path: Path, text: str) -> None:
    """The whole text or nothing: written beside its place, flushed to disk, moved. One sentence where it can't be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise BackbenchError(f"{path}: can't be written: {reason(error)}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(name)
        raise BackbenchError(f"{path}: can't be written: {reason(error)}") from None


def reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
