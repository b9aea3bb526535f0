"""What a terminal shows of profiles: fewer columns than the files, and each network's tables where they are few."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backbench.profiling.document import Profile
from backbench.profiling.pages.beside_published import beside
from backbench.profiling.pages.sentences import conditions_line, doubts_of, input_line
from backbench.profiling.pages.table import Table
from backbench.profiling.pages.tables import overview, tables_of

FEW = 2  # networks whose tables are all printed
DROPPED = ("runtime", "mean ms", "img/s", "kernel", "read", "receptive field", "how", "bytes")
PUBLISHED = ("network", "published: Inference", "published: # Params", "here: mean", "here: median", "parameters")


def shown(profiles: Sequence[Profile], depth: int) -> list[Table | str]:
    """Tables and sentences in the order of printing."""
    parts: list[Table | str] = [narrowed(overview(profiles), lambda title: title not in DROPPED)]
    parts += [without_lines(narrowed(table, lambda title: title.startswith(PUBLISHED))) for table in beside(profiles)]
    good = [profile for profile in profiles if profile.status == "ok"]
    for profile in good:
        parts += [f"\n{profile.label}", conditions_line(profile)]
        if len(good) <= FEW:
            parts += [narrowed(table, lambda title: title not in DROPPED) for table in tables_of(profile, depth)]
        parts += [line for line in (input_line(profile),) if line]
        parts += [f"! {doubt}" for doubt in doubts_of(profile)]
    if len(good) > FEW:
        parts.append("Each network's tables stand in profile.md and profile.html.")
    return parts


def narrowed(table: Table, keep: Callable[[str], bool]) -> Table:
    """The table with those columns whose title is to be kept."""
    places = [place for place, title in enumerate(table.columns) if keep(title)]
    words = sum(1 for place in places if place < table.text_columns)
    rows = tuple(tuple(row[place] for place in places) for row in table.rows)
    return Table(table.title, tuple(table.columns[place] for place in places), rows, table.lines, words)


def without_lines(table: Table) -> Table:
    return Table(table.title, table.columns, table.rows, text_columns=table.text_columns)
