"""profile.md: the whole networks, published beside here, then each network with its tables and pictures.

Whatever a user could have typed is escaped, as in the report of a study.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backbench.profiling.document import Profile
from backbench.profiling.pages.beside_published import beside
from backbench.profiling.pages.plots import ALTERNATIVES
from backbench.profiling.pages.sentences import conditions_line, doubts_of, input_line
from backbench.profiling.pages.table import Table
from backbench.profiling.pages.tables import overview, tables_of
from backbench.report.markdown import bullets, escape
from backbench.report.units import plain_name

NOTE = (
    "MB = 10⁶ bytes, MiB = 2²⁰ bytes; 1 MAC = 2 FLOPs. Every number is computed from the raw values in"
    " `profiles/*.json`; the whole networks' records are in `records/`."
)
INDENT = "\u2003"  # an em space: Markdown eats plain ones at the beginning of a cell


def markdown_text(profiles: Sequence[Profile], depth: int, plots: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """`plots`: cell id → (picture's name, path beside this file)."""
    parts = ["# Profile", NOTE, grid(overview(profiles))]
    parts += [text for table in beside(profiles) for text in titled(table)]
    for profile in profiles:
        parts += section(profile, depth, plots.get(profile.cell_id, ()))
    return "\n\n".join(part for part in parts if part) + "\n"


def section(profile: Profile, depth: int, plots: Sequence[tuple[str, str]]) -> list[str]:
    parts = [f"## {escape(plain_name(profile.label))}"]
    if profile.status != "ok":
        return [*parts, f"**{profile.status}**: {escape(profile.reason)}"]
    real = input_line(profile)
    parts += [escape(conditions_line(profile)), escape(real) if real else ""]
    parts += [f"![{ALTERNATIVES[name]}]({path})" for name, path in plots]
    parts += [text for table in tables_of(profile, depth) for text in titled(table, level=3)]
    found = doubts_of(profile)
    return parts + (["### What to doubt", bullets(map(escape, found))] if found else [])


def titled(table: Table, level: int = 2) -> list[str]:
    return [f"{'#' * level} {escape(table.title)}", grid(table)]


def grid(table: Table) -> str:
    head = row(table.columns)
    rule = "|" + "|".join("--:" if numeric else "---" for numeric in table.numeric) + "|"
    lines = "\n".join([head, rule, *map(row, table.rows)])
    return "\n\n".join(part for part in (lines, bullets(map(escape, table.lines))) if part)


def row(texts: Iterable[str]) -> str:
    return "| " + " | ".join(cell(text) for text in texts) + " |"


def cell(text: str) -> str:
    """Escaped; blanks in front, which show the depth of a module, are kept."""
    stripped = text.lstrip(" ")
    return INDENT * ((len(text) - len(stripped)) // 2) + escape(stripped)
