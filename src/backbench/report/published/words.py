"""Published | here as texts: one table a published table, the same for Markdown, HTML and the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backbench.report.markdown import bullets, escape
from backbench.report.published.beside import Beside, Held, Pair
from backbench.report.published.document import Column, Value
from backbench.report.units import NOTHING, digits, plain_name

HEADINGS = ("row", "what", "published", "here", "here ÷ published", "record")
TIMES = ("latency", "throughput", "energy")
UNITS = {"1": "", "M": "M", "G": "G"}


@dataclass(frozen=True)
class Words:
    """A table's texts, escaped by whoever prints them."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Said:
    title: str
    lines: tuple[str, ...]
    faults: tuple[str, ...]
    tables: tuple[Words, ...]


def said(found: Beside) -> Said:
    """The whole comparison."""
    document = found.document
    lines = [
        f"Published in {document.source}.",
        f"Published under: {facts(document.conditions)}." if document.conditions else "",
    ]
    return Said(
        f"Published | here: {document.title}",
        tuple(line for line in lines if line),
        tuple(f"{fault}." for fault in document.faults),
        tuple(words(held) for held in found.tables),
    )


def words(held: Held) -> Words:
    return Words(held.table.title, HEADINGS, tuple(lines(held)), tuple(notes(held)))


def lines(held: Held) -> list[tuple[str, ...]]:
    """A line a number; a row's name stands in its first line only."""
    made, last = [], None
    for pair in held.pairs:
        who = (id(pair.row), pair.measured.number if pair.measured else None)
        first = who != last
        made.append((pair.row.label if first else "", *line(pair), record(held, pair) if first else ""))
        last = who
    return made


def line(pair: Pair) -> tuple[str, ...]:
    ratio = NOTHING if pair.ratio is None else digits(pair.ratio, 3)
    here = number(pair.here, pair.column)
    return what(pair.column), printed(pair.published, pair.column), here, ratio


def what(column: Column) -> str:
    """`latency (mean), GeForce RTX 2080 Ti`."""
    statistic = f" ({column.statistic})" if column.statistic not in (None, "count") else ""
    place = "".join(f", {value}" for value in column.where.values())
    return f"{column.quantity.replace('_', ' ')}{statistic}{place}"


def printed(value: Value, column: Column) -> str:
    """As it was printed, with the unit that it really has."""
    if value is None or isinstance(value, str):
        return value or NOTHING
    shown = f"{value:,.0f}" if column.unit == "1" else f"{value:,}"
    return f"{shown} {UNITS.get(column.unit, column.unit)}".rstrip()


def number(value: float | None, column: Column) -> str:
    if value is None:
        return NOTHING
    shown = f"{value:,.0f}" if column.unit == "1" else digits(value)
    return f"{shown} {UNITS.get(column.unit, column.unit)}".rstrip()


def record(held: Held, pair: Pair) -> str:
    if pair.refused is not None:
        return f"#{pair.refused.number} {pair.refused.status}: {pair.refused.record.reason}"
    if pair.measured is None:
        return f"no record here of {model_of(held, pair)}"
    section = next(each for each in held.sections if pair.measured.number in each.by_number)
    return f"#{pair.measured.number} {section.names.full(pair.measured)}"


def model_of(held: Held, pair: Pair) -> str:
    return str({**held.table.match, **pair.row.match}.get("model", pair.row.label))


def notes(held: Held) -> list[str]:
    """Units that were printed wrongly, what the rows and columns say of themselves, the conditions on both sides, and
    why rows stand alone.
    """
    table = held.table
    found = [
        f"{column.title}: printed as {column.printed_unit}, really {column.unit}"
        for column in table.columns
        if column.printed_unit
    ]
    found += [f"{column.title}: {column.note}" for column in table.columns if column.note]
    found += [f"{row.label}: {row.note}" for row in table.rows if row.note]
    found += table.notes
    found += [f"published under {facts(table.conditions)}"] if table.conditions else []
    found += [f"here: {section.group.title}" for section in held.sections]
    return list(dict.fromkeys(f"{each}." for each in [*found, *machines(held), *alone(held)]))


def machines(held: Held) -> list[str]:
    timed = any(pair.ratio is not None and pair.column.quantity in TIMES for pair in held.pairs)
    return ["a ratio of two times compares two machines as much as two networks"] if timed else []


def alone(held: Held) -> list[str]:
    """What would have to be measured for the rows that no record matches."""
    rows = {id(pair.row): pair.row for pair in held.pairs if pair.measured is None and pair.refused is None}
    wanted = [f"{row.label} ({facts({**held.table.match, **row.match})})" for row in rows.values()]
    return [f"can't be compared, since no record here is of: {', '.join(wanted)}"] if wanted else []


def facts(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in data.items())


def markdown_parts(found: Beside) -> list[str]:
    """The comparison as parts of report.md."""
    whole = said(found)
    parts = [f"## {escape(whole.title)}", *map(escape, whole.lines), "To doubt in the published numbers:"]
    parts.append(bullets(map(escape, whole.faults)))
    for each in whole.tables:
        parts += [f"### {escape(each.title)}", grid(each.headings, each.rows), bullets(map(escape, each.notes))]
    return [part for part in parts if part]


def grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    body = ["| " + " | ".join(escape(plain_name(text, 300)) for text in row) + " |" for row in rows]
    return "\n".join(["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings), *body])
