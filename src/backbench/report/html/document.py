"""The whole page: what the template is given, and what it is rendered with."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from backbench.report.axes import AXES, Axis
from backbench.report.csv import FIELDS
from backbench.report.html.cells import Pages
from backbench.report.markdown import apart
from backbench.report.notes import notes
from backbench.report.plot import CLASSES, WORDS, shown_standings, svg
from backbench.report.published.beside import Beside
from backbench.report.published.words import said
from backbench.report.section import MAX_SHOWN, Section
from backbench.report.survey import Survey
from backbench.report.table import COSTS, RESULTS, Column, Line, table
from backbench.report.units import plain_name
from backbench.report.words import counts, headline

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

# A column that is not sorted by its text: the field of report.csv that orders it.
ORDERED_BY = {
    "#": "number",
    "accuracy %": "accuracy",
    "95 % interval": "accuracy_low",
    "top-5 %": "top5_accuracy",
    "Δ baseline, pp": "accuracy_difference_to_baseline_pp",
    "latency ms": "latency_median_s",
    "mean ms": "latency_mean_s",
    "against baseline": "latency_ratio_to_baseline",
    "images/s": "throughput_images_per_s",
    "size MB": "size_bytes",
    "parameters M": "parameters",
    "non-zero M": "parameters_nonzero",
    "trainable M": "parameters_trainable",
    "MACs M": "macs",
    "weights MB": "weights_memory_bytes",
    "peak memory MB": "peak_memory_rise_bytes",
    "J/image": "energy_j_per_image",
}
NAMED = ("model", "technique", "runtime")
MAX_CHOICES = 100  # values of a list to choose from; a longer one is no help
BOLD = "\x02", "\x03"  # no name holds these: control characters are taken out of names
WHY = [("why not", False)]  # the column of a table in which nothing was measured


def html_text(found: Survey, published: Beside | None = None) -> str:
    """The report as one HTML file."""
    pages = Pages(found.sections)
    style, script = asset("style.css"), asset("script.js")
    return template().render(
        title=plain_name(", ".join(sorted({row.record.study for section in found.sections for row in section.rows}))),
        counts=f"{counts(found.sections)} {apart(found.sections)}".strip(),
        faults=found.fault_lines,
        parts=[part(section, place, pages.numbers) for place, section in enumerate(found.sections, 1)],
        choices=choices(found.sections),
        published=said(published) if published else None,
        sources=sources(found.sections),
        left_out=sum(len(section.rows) for section in found.sections) - len(pages.cells),
        style=safe(style),
        script=safe(script),
        policy=policy(script),
        shared=data(pages.shared),
        cells=[(cell["number"], data(cell)) for cell in pages.cells],
    )


def policy(script: str) -> str:
    """Only this script, by its hash, and the page's own styles; nothing is fetched from anywhere."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def part(section: Section, place: int, pages: set[int]) -> dict[str, Any]:
    """One group: the answer, the plots, the table, and what its numbers stand on."""
    columns, lines = table(section, (*RESULTS, *COSTS) if section.measured else ())
    plots = [(axis.title, svg(section, axis, standalone=False), key(section, axis)) for axis in AXES]
    return {
        "place": place,
        "title": section.group.title,
        "said": [(bold(each.text), list(map(bold, each.items))) for each in headline(section, strong)],
        "plots": [(title, safe(drawn), known) for title, drawn, known in plots if drawn],
        "columns": [(column.title, column.numeric) for column in columns] + WHY[: not section.measured],
        "left_out": section.left_out,
        "rows": [view(section, columns, line, pages) for line in lines],
        "notes": list(notes(section).items()),
    }


def key(section: Section, axis: Axis) -> list[tuple[str, str]]:
    """(class, words) of each colour that a plot has."""
    return [(CLASSES[each], WORDS[each]) for each in shown_standings(section.standings_on(axis))]


def view(section: Section, columns: Sequence[Column], line: Line, pages: set[int]) -> dict[str, Any]:
    """A row: (text, what it is sorted by, whether it is numeric) of each cell."""
    numbers = [order(section, column, line) for column in columns]
    kinds = [column.numeric for column in columns]
    return {
        "number": line.row.number,
        "page": line.row.number in pages,
        "standing": section.standings.get(line.row.number, ""),
        "cells": list(zip(line.texts, numbers, kinds, strict=False)),
        "refused": line.refused,
        "free": max(1, len(columns) - len(line.texts)) if line.refused else 0,
    }


def order(section: Section, column: Column, line: Line) -> str:
    field = ORDERED_BY.get(column.title)
    value = FIELDS[field](section, line.row) if field else None
    return "" if value is None else repr(float(value))


def choices(sections: Sequence[Section]) -> list[tuple[str, list[str]]]:
    """What can be chosen from: the names that stand in the tables' columns, where there is a choice."""
    found: dict[str, set[str]] = {name: set() for name in NAMED}
    for section in sections:
        for row in section.shown:
            shown = (section.names.model(row), section.names.technique(row), section.names.runtime(row))
            for name, text in zip(NAMED, shown, strict=True):
                found[name].add(text)
    return [(name, sorted(texts)) for name, texts in found.items() if 1 < len(texts) <= MAX_CHOICES]


def sources(sections: Sequence[Section]) -> list[tuple[str, ...]]:
    """(number, cell, record, measured, study) of each row."""
    rows = [row for section in sections for row in section.rows]
    return [
        (
            str(row.number),
            plain_name(row.record.cell_id, 64),
            row.record.record_id[:16],
            plain_name(row.record.created_utc, 30),
            plain_name(row.record.study, 60),
        )
        for row in rows[:MAX_SHOWN]
    ]


def strong(text: str) -> str:
    return f"{BOLD[0]}{text}{BOLD[1]}"


def bold(text: str) -> Markup:
    """Escaped, then what `strong` marked in bold."""
    from markupsafe import Markup, escape

    return Markup(str(escape(text)).replace(BOLD[0], "<b>").replace(BOLD[1], "</b>"))


def data(value: Mapping[str, Any] | Sequence[Any]) -> Markup:
    """JSON for inside a script element: no sign of it can end the element or begin a comment."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return safe(text)


def safe(text: str) -> Markup:
    """Text that this package wrote and escaped itself."""
    from markupsafe import Markup

    return Markup(text)


def asset(name: str) -> str:
    return files("backbench.report.html").joinpath(name).read_text(encoding="utf-8")


@cache
def template() -> Template:
    """The page's template; whatever it is given is escaped unless it is marked as safe."""
    from jinja2 import Environment, StrictUndefined

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.from_string(asset("report.html.j2"))
