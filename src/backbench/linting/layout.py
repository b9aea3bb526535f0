"""A table as rules want it: metrics as columns, every row with its name, headings inside the table as its groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from backbench.linting.columns import understand
from backbench.linting.document import Cell, Row, Table
from backbench.linting.numbers import read_number


def laid_out(table: Table) -> Table:
    table = upright(table)
    return replace(table, rows=tuple(grouped(table.rows)))


def upright(table: Table) -> Table:
    """A table whose rows are metrics is turned."""
    across = sum(understand(n, cell.text).result for n, cell in enumerate(table.header[1:], 1))
    down = sum(understand(n, row.cell(0).text).result for n, row in enumerate(table.rows))
    if down < 2 or across >= down or not mostly_numbers(table):
        return table
    header = (Cell(), *(row.cell(0) for row in table.rows))
    titles = enumerate(table.header[1:], 1)
    rows = (Row(table.line, (title, *(row.cell(n) for row in table.rows))) for n, title in titles)
    return replace(table, header=header, rows=tuple(rows))


def mostly_numbers(table: Table) -> bool:
    cells = [cell for row in table.rows for cell in row.cells[1:] if cell.text]
    return 2 * sum(read_number(cell.text) is not None for cell in cells) >= len(cells)


def grouped(rows: Sequence[Row]) -> Iterator[Row]:
    """A row of one text alone heads the rows behind it; a row without a name continues the one before."""
    group, name = "", Cell()
    for row in rows:
        if (heading := heading_of(row)) is not None:
            group, name = heading, Cell()
        elif row.cells and not row.cells[0].text and read_number(name.text) is None:
            yield replace(row, cells=(name, *row.cells[1:]), group=group)
        else:
            name = row.cell(0)
            yield replace(row, group=group)


def heading_of(row: Row) -> str | None:
    """The text of a row that says one thing, in its first cell or in a cell over all columns."""
    texts = [cell.text for cell in row.cells if cell.text]
    alone = (
        len(row.cells) > 1 and len(set(texts)) == 1 and (bool(row.cells[0].text) and len(texts) in (1, len(row.cells)))
    )
    return texts[0] if alone and read_number(texts[0]) is None and texts[0] not in ("-", "–", "—") else None
