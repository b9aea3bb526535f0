"""A CSV or TSV file as one table: the delimiter is found, lines that begin with # are comments."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from backbench.linting.document import Cell, Document, Paragraph, Row, Table

DELIMITERS = ",;\t|"
csv.field_size_limit(1_000_000)


def read_csv(file: str, text: str) -> Document:
    """One table; its paragraphs are the comments."""
    lines = text.splitlines()
    kept = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    comments = tuple(Paragraph(n, line.lstrip("# ")) for n, line in enumerate(lines, 1) if line.startswith("#"))
    rows = list(parsed(kept, delimiter_of([line for _, line in kept[:20]])))
    if len(rows) < 2:
        return Document(file, (), comments)
    return Document(file, (Table(rows[0].line, rows[0].cells, tuple(rows[1:])),), comments)


def parsed(lines: list[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    """A quoted field may go over lines: a row's line is where it ends. Broken quoting ends the table."""
    reader = csv.reader((line + "\n" for _, line in lines), delimiter=delimiter)
    while True:
        try:
            fields = next(reader)
        except (StopIteration, csv.Error):
            return
        yield Row(lines[min(reader.line_num, len(lines)) - 1][0], tuple(Cell(field.strip()) for field in fields))


def delimiter_of(lines: list[str]) -> str:
    """The sign that divides the first line into the most fields, and the others into as many."""
    if not lines:
        return ","
    counts = {sign: lines[0].count(sign) for sign in DELIMITERS}
    even = {sign: n for sign, n in counts.items() if n and all(line.count(sign) >= n for line in lines)}
    best = even or counts
    return max(best, key=lambda sign: best[sign])
