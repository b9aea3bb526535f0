"""What a technique really changed, as the record's evidence says it: separate statements, never one word "compressed".

A technique that left a quantity as it was is said as plainly as one that lowered it; speed is the table's own verdict on
this host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backbench.report.rows import Row, number_in
from backbench.report.section import Section
from backbench.report.table import speed
from backbench.report.units import NOTHING, mb, millions, plain_name

QUANTITIES: dict[str, tuple[str, Callable[[float | None], str], str]] = {
    "stored": ("parameters", millions, "M"),
    "nonzero": ("non-zero", millions, "M"),
    "bytes": ("bytes", mb, "MB"),
    "macs": ("MACs", millions, "M"),
}


def changes(section: Section) -> list[str]:
    """A line for each technique of each measured row."""
    return [line for row in section.measured for line in row_changes(section, row)]


def row_changes(section: Section, row: Row) -> list[str]:
    lines = [f"#{row.number} {said}" for step in steps(row) if (said := step_text(step))]
    found = speed(section, row)
    return [*lines[:-1], f"{lines[-1]}; speed on this host: {found}"] if lines and found != NOTHING else lines


def steps(row: Row) -> list[Mapping[str, Any]]:
    found = row.record.evidence.get("steps")
    return [step for step in found if isinstance(step, Mapping)] if isinstance(found, (list, tuple)) else []


def step_text(step: Mapping[str, Any]) -> str:
    """`quantize_static: parameters 0.27 M unchanged; bytes 1.10 → 0.33 MB; … 21 integer operators`."""
    parent, child = step.get("parent"), step.get("child")
    name = plain_name(str(step.get("technique", "technique")).partition(":")[0], 60)
    parts = [quantity(key, number_in(parent, key), number_in(child, key)) for key in QUANTITIES]
    shapes = step.get("shapes_changed")
    parts.append(f"{len(shapes)} shapes changed" if isinstance(shapes, Mapping) and shapes else "")
    integer = number_in(child, "integer_operators")
    parts.append("" if integer is None else f"{integer:.0f} integer operators")
    known = [part for part in parts if part]
    return f"{name}: {'; '.join(known)}" if known else ""


def quantity(key: str, before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    title, form, unit = QUANTITIES[key]
    if before == after:
        return f"{title} unchanged"
    return f"{title} {form(before)} → {form(after)} {unit}"
