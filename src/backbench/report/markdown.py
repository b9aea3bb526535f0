"""report.md: the answer in words, then the tables, the plot, the doubts, the conditions, and the records that it was
computed from.

Whatever a user could have typed (names, reasons, titles) is escaped: it can't break the table, nor become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from backbench.records.store import write_atomically
from backbench.report.changes import changes
from backbench.report.csv import csv_text
from backbench.report.doubts import doubts
from backbench.report.groups import differences
from backbench.report.plot import svg
from backbench.report.reading import records_in
from backbench.report.remarks import conditions, remarks
from backbench.report.section import Section, sections
from backbench.report.table import COSTS, RESULTS, Column, Line, table
from backbench.report.units import plain_name
from backbench.report.words import counts, headline

SPECIAL = re.compile(r"([\\`*\[\]|~$#!])")
EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word stands for itself
PLOT = "accuracy-latency"
LEGEND = (
    "`*` best of the table · `=` the same as the best (same images right; latency within 2 %) · `~` can't be told from "
    "the best, or from the baseline · `±` half-width of the 95 % interval over processes · `(a–b)` interval of the "
    "ratio, the whole table taken together · `–` not known. MB = 10⁶ bytes; M = 10⁶; 1 MAC = 2 FLOPs."
)


def write_report(folder: Path, folders: Sequence[Path]) -> list[Path]:
    """Writes report.md, report.csv and the plots of these run folders into `folder`; the files written.

    Raises UsageError where there is nothing to report, BackbenchError where a record is unsound or nothing can be
    written.
    """
    made = sections(records_in(folders))
    plots = {
        name: drawn for place, section in enumerate(made) if (drawn := svg(section)) and (name := plot_name(place))
    }
    texts = {"report.md": report_text(made, plots), "report.csv": csv_text(made), **plots}
    for name, text in texts.items():
        write_atomically(folder / name, text)
    return [folder / name for name in texts]


def plot_name(place: int) -> str:
    return f"{PLOT}.svg" if place == 0 else f"{PLOT}-{place + 1}.svg"


def report_text(made: Sequence[Section], plots: Iterable[str] = ()) -> str:
    """The whole report; `plots` names the pictures that lie beside it."""
    shown = set(plots)
    studies = sorted({row.record.study for section in made for row in section.rows})
    title = plain_name(", ".join(studies))
    parts = [f"# Measured by backbench: {escape(title)}", *in_short(made)]
    for place, section in enumerate(made):
        name = plot_name(place)
        parts += details(section, name if name in shown else None, place + 1, len(made))
    return "\n\n".join([*parts, *sources(made)]) + "\n"


def in_short(made: Sequence[Section]) -> list[str]:
    """The answer first: a list of sentences, under its conditions where there is more than one table."""
    parts = [f"{counts(made)} {apart(made)}".strip()]
    for place, section in enumerate(made, 1):
        if len(made) > 1:
            parts.append(f"**{place}. {escape(section.group.title)}**")
        parts.append("\n".join(bullets([said.text, *said.items], 1) for said in headline(section, bold)))
    return parts


def apart(made: Sequence[Section]) -> str:
    """Why there is more than one table."""
    if len(made) < 2:
        return ""
    names = " and ".join(differences([section.group for section in made])) or "conditions"
    return f"They stand in {len(made)} tables, because they differ in {names}: numbers of two tables can't be compared."


def details(section: Section, plot: str | None, number: int, of: int) -> list[str]:
    title = escape(section.group.title)
    parts = [f"## {f'{number}. ' if of > 1 else ''}{title}"]
    if section.measured:
        parts += ["### Accuracy and speed", grid(*table(section, RESULTS)), LEGEND]
        parts += [f"![Accuracy against latency, {title}]({plot})"] if plot else []
        parts += [
            "### Size and cost",
            grid(*measured_only(*table(section, COSTS))),
            bullets(map(escape, remarks(section))),
        ]
    else:
        parts.append(grid(*table(section, RESULTS)))
    evidence = changes(section)
    parts += ["### What the techniques changed", bullets(map(escape, evidence))] if evidence else []
    found = doubts(section)
    parts += ["### What to doubt", bullets(map(escape, found))] if found else []
    return [part for part in [*parts, "### Conditions", bullets(map(escape, conditions(section)))] if part]


def measured_only(columns: list[Column], lines: list[Line]) -> tuple[list[Column], list[Line]]:
    """Why a row was not measured stands in the first table already."""
    return columns, [line for line in lines if not line.refused]


def sources(made: Sequence[Section]) -> list[str]:
    """The records that every number was computed from."""
    rows = [row for section in made for row in section.rows]
    tools = sorted({f"{row.record.tool.get('name')} {row.record.tool.get('version')}" for row in rows})
    head = ["| # | cell | record | measured (UTC) | study |", "|--:|---|---|---|---|"]
    lines = [
        f"| {row.number} | {code(row.record.cell_id)} | {code(row.record.record_id[:16])} | "
        f"{escape(plain_name(row.record.created_utc, 30))} | {escape(plain_name(row.record.study, 60))} |"
        for row in rows
    ]
    said = f"Every number above is computed from the raw samples in these records ({escape(', '.join(tools))})."
    said += " `report.csv` has the numbers in full; `backbench show RECORD --in FOLDER` prints a record."
    return ["## Records", said, "\n".join([*head, *lines])]


def grid(columns: Sequence[Column], lines: Sequence[Line]) -> str:
    """A Markdown table; what was not measured says why in the first free column."""
    head = "| " + " | ".join(escape(column.title) for column in columns) + " |"
    rule = "|" + "|".join("--:" if column.numeric else "---" for column in columns) + "|"
    return "\n".join([head, rule, *(grid_line(line, len(columns)) for line in lines)])


def grid_line(line: Line, count: int) -> str:
    texts = [escape(text) for text in line.texts]
    if line.refused:
        texts = [*texts[: min(4, count)], *([f"*{escape(line.refused)}*"] if count > 4 else [])]
        if count <= 4:
            texts[-1] = f"{texts[-1]} *{escape(line.refused)}*"
    return "| " + " | ".join([*texts, *[""] * (count - len(texts))]) + " |"


def bullets(lines: Iterable[str], outer: int | None = None) -> str:
    """A list; lines behind the first `outer` ones are indented below them."""
    return "\n".join(
        f"{'  ' if outer is not None and place >= outer else ''}- {line}" for place, line in enumerate(lines)
    )


def bold(text: str) -> str:
    return f"**{escape(text)}**"


def code(text: str) -> str:
    """A span of code; identifiers hold no backtick, and one that does loses it."""
    return f"`{plain_name(text, 64).replace('`', '').replace('|', '')}`"


def escape(text: object) -> str:
    """The text as Markdown that shows it as it is."""
    plain = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return EMPHASIS.sub(r"\\_", SPECIAL.sub(r"\\\1", " ".join(plain.split())))
