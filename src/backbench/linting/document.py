"""A file as lint sees it: its tables with what stands around them, and its paragraphs."""

from __future__ import annotations

from dataclasses import dataclass

from backbench.linting.finding import shown


@dataclass(frozen=True)
class Cell:
    """A cell's text without markup; `links`: the texts and targets of the links in it."""

    text: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """`group`: the heading inside the table that the row stands under."""

    line: int
    cells: tuple[Cell, ...]
    group: str = ""

    def cell(self, number: int) -> Cell:
        return self.cells[number] if number < len(self.cells) else Cell()


@dataclass(frozen=True)
class Table:
    """`headings`: those that the table stands under, the outermost first; `caption`: the paragraph right before it."""

    line: int
    header: tuple[Cell, ...]
    rows: tuple[Row, ...]
    headings: tuple[str, ...] = ()
    caption: str = ""

    @property
    def title(self) -> str:
        """What a person would call it."""
        near = self.caption if 0 < len(self.caption) <= 80 else ""
        return shown(near or next(iter(reversed(self.headings)), "")) or f"table on line {self.line}"

    @property
    def width(self) -> int:
        return max([len(self.header), *(len(row.cells) for row in self.rows)])


@dataclass(frozen=True)
class Paragraph:
    line: int
    text: str


@dataclass(frozen=True)
class Document:
    file: str
    tables: tuple[Table, ...]
    paragraphs: tuple[Paragraph, ...] = ()
    headings: tuple[str, ...] = ()

    @property
    def prose(self) -> str:
        """Everything outside of the tables."""
        return "\n".join([*self.headings, *(paragraph.text for paragraph in self.paragraphs)])
