"""A file from disk as a Document, by its ending. What can't be a table of results is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backbench.errors import UsageError
from backbench.linting.csv_tables import read_csv
from backbench.linting.document import Document
from backbench.linting.markdown_tables import read_markdown

LARGEST = 5_000_000  # bytes; a table that a person published is no larger
READERS: dict[str, Callable[[str, str], Document]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_markdown,
    ".html": read_markdown,
    ".htm": read_markdown,
    ".csv": read_csv,
    ".tsv": read_csv,
}


def read_file(path: Path) -> Document:
    """Raises UsageError for a file that is not there, has another form, or is no text."""
    if path.suffix.lower() not in READERS:
        raise UsageError(f"{path}: lint reads {', '.join(sorted(READERS))}")
    return READERS[path.suffix.lower()](str(path), read_text(path))


def read_text(path: Path) -> str:
    """UTF-8 with or without a byte-order mark; what is not UTF-8 is read as Windows's Latin-1."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path}: over {LARGEST // 10**6} MB is no table that a person reads")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from None
    if b"\0" in data:
        raise UsageError(f"{path}: is no text (it holds null bytes)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
