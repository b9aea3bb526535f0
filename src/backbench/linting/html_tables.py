"""HTML tables, also inside Markdown: rows and columns that span are filled with what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from backbench.linting.document import Cell, Row, Table

OPENING, CLOSING = re.compile(r"<table\b", re.IGNORECASE), re.compile(r"</table\s*>", re.IGNORECASE)
MOST = 50  # columns or rows that one cell may span


@dataclass
class Open:
    """A cell being read."""

    text: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    columns: int = 1
    rows: int = 1
    head: bool = False


class TableParser(HTMLParser):
    """The cells of one table as a list of rows; each row says whether all its cells are headings."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[tuple[int, list[Open]]] = []
        self.caption: list[str] = []
        self.cell: Open | None = None
        self.raised = 0  # inside <sup>: a footnote's mark is no part of a number
        self.inside_caption = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "tr":
            self.rows.append((self.getpos()[0], []))
        elif tag in ("td", "th") and self.rows:
            self.cell = Open(columns=span(given, "colspan"), rows=span(given, "rowspan"), head=tag == "th")
            self.rows[-1][1].append(self.cell)
        elif tag == "caption":
            self.inside_caption = True
        elif tag == "sup":
            self.raised += 1
        elif tag == "br":
            self.handle_data(" ")
        elif tag == "a" and self.cell is not None:
            self.cell.links.append(given.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr"):
            self.cell = None
        elif tag == "caption":
            self.inside_caption = False
        elif tag == "sup":
            self.raised = max(0, self.raised - 1)

    def handle_data(self, data: str) -> None:
        if self.inside_caption:
            self.caption.append(data)
        elif self.cell is not None and not self.raised:
            self.cell.text.append(data)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where tables begin and end; one that is never closed is none."""
    place = 0
    while (opened := OPENING.search(text, place)) and (closed := CLOSING.search(text, opened.end())):
        yield opened.start(), closed.end()
        place = closed.end()


def span(given: dict[str, str | None], name: str) -> int:
    text = given.get(name) or "1"
    return min(MOST, max(1, int(text))) if text.isdecimal() and len(text) < 4 else 1


def read_table(source: str, line: int, headings: tuple[str, ...] = (), before: str = "") -> Table | None:
    """The table of this source, which begins on `line`; None where it has fewer than two rows."""
    parser = TableParser()
    parser.feed(source)
    grid = spread(parser.rows)
    if len(grid) < 2:
        return None
    heads = leading_heads(parser.rows)
    header = merged([row for _, row in grid[:heads]])
    rows = tuple(Row(line + number - 1, tuple(row)) for number, row in grid[heads:])
    caption = " ".join("".join(parser.caption).split()) or before
    return Table(line, header, rows, headings, caption) if rows else None


def leading_heads(rows: list[tuple[int, list[Open]]]) -> int:
    """How many rows make the header: those of headings only, and those that the first one's cells reach into."""
    count = 0
    while count < len(rows) - 1 and rows[count][1] and all(cell.head for cell in rows[count][1]):
        count += 1
    reach = max([cell.rows for cell in rows[0][1]], default=1) if rows and not count else 1
    return min(max(1, count, reach), len(rows) - 1)


def spread(rows: list[tuple[int, list[Open]]]) -> list[tuple[int, list[Cell]]]:
    """The rows as a grid: a cell that spans stands in each place that it spans."""
    grid: list[tuple[int, list[Cell]]] = []
    pending: dict[int, tuple[int, Cell]] = {}  # column → rows still to fill, and with what
    for line, cells in rows:
        filled: list[Cell] = []
        for cell in cells:
            take(pending, filled)
            value = Cell(" ".join("".join(cell.text).split()), tuple(link for link in cell.links if link))
            for _ in range(cell.columns):
                if cell.rows > 1:
                    pending[len(filled)] = (cell.rows - 1, value)
                filled.append(value)
        take(pending, filled)
        grid.append((line, filled))
    return grid


def take(pending: dict[int, tuple[int, Cell]], filled: list[Cell]) -> None:
    """What reaches down into this row, as far as it comes next."""
    while len(filled) in pending:
        left, value = pending.pop(len(filled))
        if left > 1:
            pending[len(filled)] = (left - 1, value)
        filled.append(value)
        if len(filled) > 1000:
            return


def merged(rows: list[list[Cell]]) -> tuple[Cell, ...]:
    """Several rows of headings as one: the texts of a column, each once."""
    width = max((len(row) for row in rows), default=0)
    columns = ([row[number].text for row in rows if number < len(row)] for number in range(width))
    return tuple(Cell(" ".join(dict.fromkeys(text for text in texts if text))) for texts in columns)
