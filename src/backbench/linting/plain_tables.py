r"""Tables without lines: columns divided by tabs, and blocks of labelled lines.

# N(params), Latency, Accuracy
resnet50: 25,557,032 params, 14.55ms, 76.1%
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backbench.linting.document import Cell, Row, Table
from backbench.linting.numbers import read_number

LABELLED = re.compile(r"\s*([\w][\w .+/()@-]{0,60}?)\s*:\s+(\S.*)")
PARTED = re.compile(r"\s*[,;|]\s+")


def read_block(
    lines: Sequence[str], first: int, headings: tuple[str, ...], caption: str, before: Sequence[Table]
) -> Iterator[Table]:
    """The tables in these lines, which begin on line `first`; `before`: the document's tables so far."""
    yield from tabbed(lines, first, headings, caption)
    yield from labelled(lines, first, headings, caption, before)


def tabbed(lines: Sequence[str], first: int, headings: tuple[str, ...], caption: str) -> Iterator[Table]:
    """Three lines or more with the same number of tabs, the first of them the header."""
    for run in runs([line.strip().count("\t") for line in lines]):
        rows = [Row(first + n, tuple(Cell(text.strip()) for text in lines[n].strip().split("\t"))) for n in run]
        if len(rows) >= 3:
            yield Table(rows[0].line, rows[0].cells, tuple(rows[1:]), headings, caption)


def runs(counts: Sequence[int]) -> Iterator[list[int]]:
    """Neighbouring places with the same count, none with zero."""
    run: list[int] = []
    for place, count in enumerate(counts):
        if run and count != counts[run[-1]]:
            yield run
            run = []
        if count:
            run.append(place)
    if run:
        yield run


def labelled(
    lines: Sequence[str], first: int, headings: tuple[str, ...], caption: str, before: Sequence[Table]
) -> Iterator[Table]:
    """Two lines or more with a label and as many numbers; the header is the comment above, or an earlier table's."""
    rows = [row for n, line in enumerate(lines) if (row := labelled_row(line, first + n))]
    widths = {len(row.cells) for row in rows}
    if len(rows) < 2 or len(widths) != 1:
        return
    header = comment_header(lines, widths.pop()) or earlier_header(rows[0], before)
    yield Table(rows[0].line, header or units_header(rows[0]), tuple(rows), headings, caption)


def labelled_row(line: str, number: int) -> Row | None:
    """`name: number, number` as cells; None for any other line."""
    found = LABELLED.fullmatch(line[:1000])
    if not found:
        return None
    values = PARTED.split(found[2])
    if len(values) < 2 or not all(read_number(value) for value in values):
        return None
    return Row(number, (Cell(found[1]), *(Cell(value.strip()) for value in values)))


def comment_header(lines: Sequence[str], width: int) -> tuple[Cell, ...]:
    """`# N(params), Latency, Accuracy`, where it has as many titles as the rows have numbers."""
    for line in lines:
        if line.lstrip().startswith(("#", "//")):
            titles = PARTED.split(line.strip().lstrip("#/ "))
            if len(titles) == width - 1:
                return (Cell(), *map(Cell, titles))
    return ()


def earlier_header(row: Row, before: Sequence[Table]) -> tuple[Cell, ...]:
    """The header of the last table whose rows have the same units."""
    for table in reversed(before):
        if table.rows and units_header(table.rows[0]) == units_header(row):
            return table.header
    return ()


def units_header(row: Row) -> tuple[Cell, ...]:
    numbers = (read_number(cell.text) for cell in row.cells[1:])
    return (Cell(), *(Cell(number.unit if number else "") for number in numbers))
