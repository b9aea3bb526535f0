"""The profiles beside a published table of the same networks at the same sizes: published | here.

Published means stand beside our means and medians. Their "allocated memory" is weights, buffers and input; the same
sum is printed here, and the peak beside it, so that the two are not taken for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backbench.profiling.document import Profile
from backbench.profiling.numbers import peak_rise, whole
from backbench.profiling.pages.table import Table, mib
from backbench.report.published.document import Column, Document, Row, Value, load, names
from backbench.report.published.document import Table as Published
from backbench.report.units import NOTHING, digits, ms, plain_name, width
from backbench.spec.cell import read_input
from backbench.spec.where import matches

HERE = (
    "here: mean ms", "here: median ms", "±", "here: FPS", "here: weights + buffers + input MiB", "here: peak live MiB",
    "here: process +MiB", "here: parameters M", "parameters",
)  # fmt: skip


def beside(profiles: Sequence[Profile]) -> list[Table]:
    """A table for each published one, of any document, in which one of the networks stands at its size."""
    found = []
    for document in map(load, names()):
        shown = [
            (table, [row for each in table.rows for row in rows_of(table, each, profiles)]) for table in document.tables
        ]
        kept = [(table, rows) for table, rows in shown if rows]
        found += [made(table, rows, about(document) if place == 0 else ()) for place, (table, rows) in enumerate(kept)]
    return found


def rows_of(table: Published, row: Row, profiles: Sequence[Profile]) -> list[tuple[str, ...]]:
    """The row once for each profile of the same experiment."""
    where = {**table.match, **row.match}
    return [
        (
            row.label,
            *printed(row),
            plain_name(f"{profile.cell.runtime}, {profile.cell.device}"),
            *here(table, row, profile),
        )
        for profile in profiles
        if where and means(profile, where)
    ]


def means(profile: Profile, where: dict[str, Any]) -> bool:
    """Whether the profile's cell is what the row is about; a size stands as text in the document."""
    return matches(profile.cell, {key: read_input(value) if key == "input" else value for key, value in where.items()})


def printed(row: Row) -> tuple[str, ...]:
    return tuple(
        NOTHING if value is None else f"{value:g}" if isinstance(value, float) else value for value in row.values
    )


def here(table: Published, row: Row, profile: Profile) -> tuple[str, ...]:
    found, structure = whole(profile), profile.structure
    rise = peak_rise(profile)
    if structure is None:
        return (NOTHING,) * len(HERE)
    held = structure.weight_bytes + structure.buffer_bytes + structure.input_bytes
    return (
        ms(found.mean) if found else NOTHING,
        ms(found.median) if found else NOTHING,
        width(found.low, found.median, found.high) if found else NOTHING,
        digits(profile.input[0] / found.mean) if found else NOTHING,
        mib(held),
        mib(structure.peak.live),
        mib(rise),
        f"{structure.parameters / 1e6:.6f}",
        same_count(table.columns, row, structure.parameters),
    )


def same_count(columns: Sequence[Column], row: Row, parameters: int) -> str:
    """Whether the published number of parameters is this one, cut or rounded to the digits it was printed with."""
    for column, value in zip(columns, row.values, strict=True):
        if column.quantity == "parameters" and isinstance(value, float):
            return "equal" if equal_to(value, parameters) else "differ"
    return NOTHING


def equal_to(millions: Value, parameters: int) -> bool:
    """11.689 M is 11,689,512: equal to the last digit that was printed, cut or rounded."""
    places = len(f"{millions}".partition(".")[2])
    return abs(float(millions or 0) - parameters / 1e6) < 10.0**-places


def about(document: Document) -> tuple[str, ...]:
    """Where the numbers come from and what is wrong with them; said once a document."""
    calls = document.conditions.get("iterations", "?")
    said = (
        f"Source: {document.source}. Published numbers are means of {calls} calls on other machines: columns of different"
        " machines tell ratios between networks, not speed-ups."
    )
    return (said, *(f"Fault of the published measurement: {fault}." for fault in document.faults))


def made(table: Published, rows: list[tuple[str, ...]], lines: tuple[str, ...]) -> Table:
    titles = tuple(f"published: {column.title}" for column in table.columns)
    units = (f"{column.title}: really {column.unit}; {column.note}." for column in table.columns if column.printed_unit)
    notes = (
        f"{row.label}: {row.note}." for row in table.rows if row.note and row.label in {shown[0] for shown in rows}
    )
    columns = ("network", *titles, "here on", *HERE)
    return Table(f"Published | here: {table.title}", columns, tuple(rows), (*units, *notes, *lines))
