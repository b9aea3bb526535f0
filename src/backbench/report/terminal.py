"""The report on a terminal: a table that fits 80 columns, then the answer in words, then what to doubt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backbench.report.doubts import doubts
from backbench.report.reading import records_in
from backbench.report.section import Section, sections
from backbench.report.table import COSTS, RESULTS, Column, Line, refusal, table
from backbench.report.units import numbered
from backbench.report.words import counts, headline

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHORT = {"accuracy %": "acc. %", "latency ms": "ms", "against baseline": "vs baseline"}
NARROW = ("accuracy %", "latency ms", "against baseline")
WIDE = ("accuracy %", "95 % interval", "Δ baseline, pp", "latency ms", "±", "against baseline", "size MB", "front")
WIDE_FROM = 150  # columns of the terminal


def print_table(folders: Sequence[Path], console: Console | None = None) -> None:
    """Prints the report of these folders. Raises as `write_report` does."""
    from rich.console import Console

    print_sections(sections(records_in(folders)), console or Console())


def print_sections(made: Sequence[Section], console: Console) -> None:
    from rich.markup import escape

    for section in made:
        console.print(f"\n[bold]{escape(section.group.title)}[/bold]", highlight=False)
        if section.measured:
            console.print(rich_table(section, WIDE if console.width >= WIDE_FROM else NARROW))
        for line in refusals(section):
            console.print(f"[dim]{escape(line)}[/dim]", highlight=False)
        for said in headline(section, lambda text: f"[bold]{escape(text)}[/bold]"):
            console.print("\n  ".join((f"• {said.text}", *said.items)), highlight=False)
        for line in doubts(section):
            console.print(f"[yellow]! {escape(line)}[/yellow]", highlight=False)
    console.print(f"\n{counts(made)}", highlight=False)
    console.print("* best · = equal to the best · ~ can't be told from the best or the baseline", highlight=False)


def rich_table(section: Section, titles: Sequence[str]) -> Table:
    """The measured rows; names fold, numbers don't."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    columns, lines = table(section, tuple(column for column in (*RESULTS, *COSTS) if column.title in titles))
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for place, column in enumerate(columns):
        names = 1 <= place <= 3
        justify = "right" if column.numeric else "left"
        title = column.title if "±" in titles else SHORT.get(column.title, column.title)
        made.add_column(escape(title), justify=justify, no_wrap=not names, overflow="fold")  # type: ignore[arg-type]
    for line in lines:
        if not line.refused:
            made.add_row(*cells(line, columns, narrow="±" not in titles))
    return made


def cells(line: Line, columns: Sequence[Column], narrow: bool) -> list[str]:
    """A narrow table leaves the ratio's interval to the report."""
    from rich.markup import escape

    pairs = zip(columns, line.texts, strict=True)
    return [escape(short(text) if narrow and column.title == "against baseline" else text) for column, text in pairs]


def short(text: str) -> str:
    return text.partition(" (")[0] + (" unpaired" if text.endswith("unpaired") else "")


def refusals(section: Section) -> list[str]:
    """`skipped (#4 and #7): …`: what was not measured, each reason once."""
    found: dict[str, list[int]] = {}
    for row in section.rows:
        if reason := refusal(row):
            found.setdefault(reason, []).append(row.number)
    names = {row.number: section.names.full(row) for row in section.rows}
    return [
        f"{reason} ({names[rows[0]] if len(rows) == 1 else numbered(rows)})" for reason, rows in sorted(found.items())
    ]
