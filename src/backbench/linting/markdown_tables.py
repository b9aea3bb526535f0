"""Markdown as a Document: pipe tables, HTML tables, tables of tabs, and lines like `name: 1,234 params, 5 ms, 6 %`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backbench.linting import html_tables, plain_tables
from backbench.linting.document import Cell, Document, Paragraph, Row, Table

if TYPE_CHECKING:
    from markdown_it.token import Token


@dataclass
class Walk:
    """What has been read so far: where in the document we are, and what was found."""

    lines: list[str]
    trail: list[tuple[int, str]] = field(default_factory=list)
    caption: str = ""
    headings: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    paragraphs: list[Paragraph] = field(default_factory=list)

    @property
    def above(self) -> tuple[str, ...]:
        return tuple(text for _, text in self.trail)

    def heading(self, level: int, text: str) -> None:
        while self.trail and self.trail[-1][0] >= level:
            self.trail.pop()
        self.trail.append((level, text))
        self.headings.append(text)
        self.caption = ""

    def add(self, table: Table | None) -> None:
        """A caption belongs to the first table behind it."""
        if table is not None:
            self.tables.append(table)
            self.caption = ""


def read_markdown(file: str, text: str) -> Document:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cleared, html = without_html_tables(text, parser.parse(text))
    walk = Walk(cleared.split("\n"))
    waiting = list(html)
    tokens = parser.parse(cleared)
    for place, token in enumerate(tokens):
        while waiting and token.map and token.level == 0 and waiting[0][0] <= token.map[0] + 1:
            add_html(walk, *waiting.pop(0))
        read_token(walk, tokens, place)
    for rest in waiting:
        add_html(walk, *rest)
    return Document(file, tuple(walk.tables), tuple(walk.paragraphs), tuple(walk.headings))


def without_html_tables(text: str, tokens: Sequence[Token]) -> tuple[str, list[tuple[int, str]]]:
    """The text with its HTML tables blanked (lines kept), and each table's first line and source."""
    fenced = {n for token in tokens if token.type == "fence" and token.map for n in range(*token.map)}
    found, parts, done = [], [], 0
    for start, end in html_tables.spans(text):
        line = text.count("\n", 0, start)
        if line in fenced:
            continue
        found.append((line + 1, text[start:end]))
        parts += [text[done:start], "\n" * text.count("\n", start, end)]
        done = end
    return "".join([*parts, text[done:]]), found


def add_html(walk: Walk, line: int, source: str) -> None:
    walk.add(html_tables.read_table(source, line, walk.above, walk.caption))


def read_token(walk: Walk, tokens: Sequence[Token], place: int) -> None:
    """One block of the document; what stands inside a block is read with it."""
    token = tokens[place]
    line = token.map[0] + 1 if token.map else 0
    if token.type == "heading_open":
        walk.heading(int(token.tag[1]), cell_of(tokens[place + 1]).text)
    elif token.type == "table_open":
        walk.add(pipe_table(walk, tokens, place))
    elif token.type == "fence" or token.type == "code_block":
        for table in plain_tables.read_block(
            token.content.split("\n"), line + 1, walk.above, walk.caption, walk.tables
        ):
            walk.add(table)
    elif token.type == "paragraph_open" and token.map:
        read_paragraph(walk, walk.lines[token.map[0] : token.map[1]], line, cell_of(tokens[place + 1]).text)


def read_paragraph(walk: Walk, source: list[str], line: int, text: str) -> None:
    """Text, or a table whose columns are divided by tabs."""
    tables = list(plain_tables.read_block(source, line, walk.above, walk.caption, walk.tables))
    for table in tables:
        walk.add(table)
    if not tables:
        walk.paragraphs.append(Paragraph(line, text))
        walk.caption = text


def pipe_table(walk: Walk, tokens: Sequence[Token], place: int) -> Table | None:
    """The table that opens at `place`. Rows without any text divide groups and are left out."""
    start = tokens[place].map or [0, 0]
    rows = list(pipe_rows(tokens, place))
    body = tuple(row for row in rows[1:] if any(cell.text for cell in row.cells))
    return Table(start[0] + 1, rows[0].cells, body, walk.above, walk.caption) if body else None


def pipe_rows(tokens: Sequence[Token], place: int) -> Iterator[Row]:
    cells: list[Cell] = []
    line = 0
    for token in tokens[place:]:
        if token.type == "tr_open":
            cells, line = [], (token.map or [0])[0] + 1
        elif token.type == "inline":
            cells.append(cell_of(token))
        elif token.type == "tr_close":
            yield Row(line, tuple(cells))
        elif token.type == "table_close":
            return


def cell_of(inline: Token) -> Cell:
    """The text without markup and without what is raised (<sup>), and the links."""
    text, links, raised, target = [], [], 0, ""
    for part in inline.children or []:
        if part.type == "html_inline":
            tag = part.content.lower()
            raised = max(0, raised + tag.startswith("<sup") - tag.startswith("</sup"))
            text.append(" " if tag.startswith("<br") else "")
        elif part.type == "link_open":
            target = str(part.attrGet("href") or "")
            links.append(target)
        elif part.type == "link_close":
            target = ""
        elif part.type in ("softbreak", "hardbreak"):
            text.append(" ")
        elif part.type in ("text", "code_inline") and not raised:
            text.append(part.content)
            links += [part.content] if target else []
    return Cell(" ".join("".join(text).split()), tuple(links))
