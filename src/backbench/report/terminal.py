"""The report on a terminal: a table that fits 80 columns, then the answer in words, then what to doubt.

`Shown` is what is printed, as plain data: an index keeps it, so that an unchanged report of ten thousand records is
printed without reading one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from backbench.report.doubts import doubts
from backbench.report.section import Section
from backbench.report.survey import Survey
from backbench.report.table import COSTS, RESULTS, refusal, table
from backbench.report.units import numbered
from backbench.report.words import counts, headline

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHORT = {"accuracy %": "acc. %", "latency ms": "ms", "against baseline": "vs baseline"}
NARROW = ("accuracy %", "latency ms", "against baseline")
WIDE = ("accuracy %", "95 % interval", "Δ baseline, pp", "latency ms", "±", "against baseline", "size MB", "front")
WIDE_FROM = 150  # columns of the terminal
NAMES = 4  # columns that name a row
MAX_LINES = 200  # rows that a person scrolls through; the files have them all
MAX_LISTED = 40  # refusals and faults


class Plain(BaseModel):
    model_config = ConfigDict(frozen=True)


class Grid(Plain):
    """A table's texts; `left_out` rows stand in the files only."""

    titles: tuple[str, ...]
    numeric: tuple[bool, ...]
    lines: tuple[tuple[str, ...], ...]
    left_out: int


class Part(Plain):
    """One section."""

    title: str
    grid: Grid | None
    refusals: tuple[str, ...]
    said: tuple[str, ...]  # in rich's markup
    doubts: tuple[str, ...]


class Shown(Plain):
    faults: tuple[str, ...]
    parts: tuple[Part, ...]
    counts: str


def shown(found: Survey) -> Shown:
    """What `show` prints of these sections."""
    parts = tuple(map(part, found.sections))
    return Shown(faults=shortened(found.fault_lines), parts=parts, counts=counts(found.sections))


def part(section: Section) -> Part:
    from rich.markup import escape

    said = headline(section, lambda text: f"[bold]{escape(text)}[/bold]")
    return Part(
        title=section.group.title,
        grid=grid(section) if section.measured else None,
        refusals=shortened(refusals(section)),
        said=tuple("\n  ".join((f"• {each.text}", *each.items)) for each in said),
        doubts=tuple(doubts(section)),
    )


def grid(section: Section) -> Grid:
    """The measured rows; where there are many, the front and what can't be told from it come first."""
    columns, lines = table(section, tuple(column for column in (*RESULTS, *COSTS) if column.title in WIDE))
    measured = [line for line in lines if not line.refused]
    if len(measured) > MAX_LINES:
        measured.sort(key=lambda line: section.standings.get(line.row.number) not in ("front", "~"))
    return Grid(
        titles=tuple(column.title for column in columns),
        numeric=tuple(column.numeric for column in columns),
        lines=tuple(line.texts for line in measured[:MAX_LINES]),
        left_out=max(0, len(section.measured) - MAX_LINES),
    )


def shortened(lines: Sequence[str]) -> tuple[str, ...]:
    more = (f"… and {len(lines) - MAX_LISTED} more",) if len(lines) > MAX_LISTED else ()
    return (*lines[:MAX_LISTED], *more)


def show(report: Shown, console: Console) -> None:
    """Prints it; what a user typed is no markup."""
    from rich.markup import escape

    for line in report.faults:
        console.print(f"[red]! {escape(line)}[/red]", highlight=False, soft_wrap=True)  # a path stays one word
    for each in report.parts:
        console.print(f"\n[bold]{escape(each.title)}[/bold]", highlight=False)
        if each.grid:
            show_grid(each.grid, console)
        for line in each.refusals:
            console.print(f"[dim]{escape(line)}[/dim]", highlight=False)
        for line in each.said:
            console.print(line, highlight=False)
        for line in each.doubts:
            console.print(f"[yellow]! {escape(line)}[/yellow]", highlight=False)
    console.print(f"\n{report.counts}", highlight=False)
    console.print("* best · = equal to the best · ~ can't be told from the best or the baseline", highlight=False)


def show_grid(found: Grid, console: Console) -> None:
    console.print(rich_table(found, WIDE if console.width >= WIDE_FROM else NARROW))
    if found.left_out:
        console.print(f"[dim]… and {found.left_out:,} more rows, in the files[/dim]", highlight=False)


def rich_table(found: Grid, titles: Sequence[str]) -> Table:
    """The columns that fit; names fold, numbers don't."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    wide = "±" in titles
    kept = [place for place, title in enumerate(found.titles) if place < NAMES or title in titles]
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for place in kept:
        title, justify = found.titles[place], "right" if found.numeric[place] else "left"
        heading = escape(title if wide else SHORT.get(title, title))
        made.add_column(heading, justify=justify, no_wrap=not 1 <= place < NAMES, overflow="fold")  # type: ignore[arg-type]
    for line in found.lines:
        made.add_row(*(escape(cell(line[place], found.titles[place], wide)) for place in kept))
    return made


def cell(text: str, title: str, wide: bool) -> str:
    """A narrow table leaves the ratio's interval to the report."""
    return text if wide or title != "against baseline" else short(text)


def short(text: str) -> str:
    return text.partition(" (")[0] + (" unpaired" if text.endswith("unpaired") else "")


def refusals(section: Section) -> list[str]:
    """`skipped (#4 and #7): …`: what was not measured, each reason once."""
    found: dict[str, list[int]] = {}
    for row in section.rows:
        if reason := refusal(row):
            found.setdefault(reason, []).append(row.number)
    return [f"{reason} ({who(section, numbers)})" for reason, numbers in sorted(found.items())]


def who(section: Section, numbers: Sequence[int]) -> str:
    return section.names.full(section.by_number[numbers[0]]) if len(numbers) == 1 else numbered(numbers)
