"""report.md: the answer in words, then the tables, the plot, the doubts, the conditions, and the records that it was
computed from.

Whatever a user could have typed (names, reasons, titles) is escaped: it can't break the table, nor become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from backbench.report.axes import AXES, Axis
from backbench.report.groups import differences
from backbench.report.notes import notes
from backbench.report.plot import svg
from backbench.report.section import MAX_SHOWN, Section
from backbench.report.survey import Survey
from backbench.report.table import COSTS, RESULTS, Column, Line, table
from backbench.report.units import plain_name
from backbench.report.words import counts, headline

SPECIAL = re.compile(r"([\\`*\[\]|~$#!])")
EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word stands for itself
LEFT_OUT = "What the numbers leave out"  # stands right below the tables
SHOWN = ("latency", "size", "memory")  # what the accuracy is plotted against
LEGEND = (
    "`*` best of the table · `=` the same as the best (same images right; latency within 2 %) · `~` can't be told from "
    "the best, or from the baseline · `±` half-width of the 95 % interval over processes · `(a–b)` interval of the "
    "ratio, the whole table taken together · `–` not known. MB = 10⁶ bytes; M = 10⁶; 1 MAC = 2 FLOPs."
)


def report_text(found: Survey, plots: Mapping[str, str], published: Sequence[str] = ()) -> str:
    """The whole report; `plots` maps the names of the pictures that lie beside it, `published` is a finished part."""
    made = found.sections
    studies = sorted({row.record.study for section in made for row in section.rows})
    title = plain_name(", ".join(studies))
    parts = [f"# Measured by backbench: {escape(title)}", *warned(found), *in_short(made), *published]
    for place, section in enumerate(made):
        parts += details(section, plots, place, len(made))
    return "\n\n".join([*parts, *sources(made)]) + "\n"


def warned(found: Survey) -> list[str]:
    """The files that could not be used, on top."""
    if not found.faults:
        return []
    first, *rest = map(escape, found.fault_lines)
    return [f"> **{first}**\n>\n" + "\n".join(f"> - {line}" for line in rest)]


def pictures(made: Sequence[Section]) -> dict[str, str]:
    """File name → SVG: accuracy against latency, size and memory, as far as two rows have both."""
    drawn = {}
    for place, section in enumerate(made):
        for axis in AXES:
            if axis.name in SHOWN and (picture := svg(section, axis)):
                drawn[plot_name(axis.name, place)] = picture
    return drawn


def plot_name(axis: str, place: int) -> str:
    return f"accuracy-{axis}.svg" if place == 0 else f"accuracy-{axis}-{place + 1}.svg"


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


def details(section: Section, plots: Mapping[str, str], place: int, of: int) -> list[str]:
    title = escape(section.group.title)
    shown = {axis.name: f"![Accuracy against {axis.title}, {title}]({name})" for axis, name in shown_in(plots, place)}
    said = notes(section)
    parts = [f"## {f'{place + 1}. ' if of > 1 else ''}{title}"]
    if section.measured:
        parts += ["### Accuracy and speed", grid(*table(section, RESULTS)), left_out(section)]
        parts += [LEGEND, shown.pop("latency", "")]
        parts += ["### Size and cost", grid(*measured_only(*table(section, COSTS))), *shown.values()]
        parts += [bullets(map(escape, said.pop(LEFT_OUT, [])))]
    else:
        parts.append(grid(*table(section, RESULTS)))
    said.pop(LEFT_OUT, None)
    parts += [part for heading, lines in said.items() for part in (f"### {heading}", bullets(map(escape, lines)))]
    return [part for part in parts if part]


def left_out(section: Section) -> str:
    return f"… and {section.left_out:,} more rows: `report.csv` has them all." if section.left_out else ""


def shown_in(plots: Mapping[str, str], place: int) -> Iterator[tuple[Axis, str]]:
    return ((axis, name) for axis in AXES if (name := plot_name(axis.name, place)) in plots)


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
        for row in rows[:MAX_SHOWN]
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
