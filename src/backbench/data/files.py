"""Where a dataset's files are, and what tells one state of them from another without reading them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backbench.errors import DataError


def place_of(path: str, root: Path) -> Path:
    """A plain name stands under the data root; anything with a `/`, a `.` in front or a `~` is a path."""
    return Path(path).expanduser() if is_path(path) else root / path


def is_path(text: str) -> bool:
    return text.startswith((".", "~")) or "/" in text or os.sep in text or Path(text).is_absolute()


def identity_of(folder: Path, files: Iterable[Path]) -> list[list[Any]]:
    """Each file's name inside the folder, its size and time of change: the folder itself may move."""
    states = [(file, file.stat()) for file in sorted(files)]
    return [[file.relative_to(folder).as_posix(), state.st_size, state.st_mtime_ns] for file, state in states]


def read_bytes(file: Path) -> bytes:
    """Raises DataError where the file can't be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: the file can't be read: {error.strerror}") from None
