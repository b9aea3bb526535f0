"""What a technique really changed, as the record's evidence says it: separate statements, never one word "compressed".

A technique that left a quantity as it was is said as plainly as one that lowered it; speed is the table's own verdict
on this host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backbench.report.comparison import Versus, against
from backbench.report.rows import Row, number_in
from backbench.report.section import Section
from backbench.report.table import speed_text
from backbench.report.units import mb, millions, percent, plain_name
from backbench.spec.cell import Cell, Chain, canonical

QUANTITIES: dict[str, tuple[str, Callable[[float | None], str], str]] = {
    "stored": ("parameters", millions, "M"),
    "nonzero": ("non-zero", millions, "M"),
    "bytes": ("bytes", mb, "MB"),
    "macs": ("MACs", millions, "M"),
}


def changes(section: Section) -> list[str]:
    """A line for each technique of each measured row; the last one's ends with its effect on speed."""
    effects = against(parents(section.measured))
    return [line for row in section.measured for line in row_changes(row, effects.get(row.number))]


def row_changes(row: Row, effect: Versus | None) -> list[str]:
    lines = [f"#{row.number} {said}" for step in steps(row) if (said := step_text(step))]
    if not lines:
        return []
    executed = number_in(row.record.executed, "integer_operators")
    lines[-1] += "" if executed is None else f"; {executed:.0f} integer operators executed"
    share = number_in(row.record.executed, "integer_share")
    lines[-1] += "" if share is None else f"; {percent(share, 0)} % of the time in integer kernels"
    lines[-1] += agreement_text(row)
    if effect and effect.ratio:
        without = "it" if len(effect.base.cell.technique) == len(row.cell.technique) - 1 else "these"
        lines[-1] += f"; speed against #{effect.base.number}, which is the same without {without}: {speed_text(effect)}"
    return lines


def agreement_text(row: Row) -> str:
    """Of a row without an accuracy: how often its class is the one that eager fp32 gives."""
    gate = row.record.gate
    if gate is None or row.accuracy is not None:
        return ""
    return f"; eager fp32's class in {percent(gate.agreement, 1)} % of {gate.n} images"


def parents(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """(row, its parent) of each row that has one."""
    known = by_cell(rows)
    return [(row, base) for row in rows if (base := parent_of(row, known)) is not None]


def parent_of(row: Row, known: Mapping[str, Row]) -> Row | None:
    """The row that is the same but for the chain's last techniques: the longest such chain that was measured."""
    chain = row.cell.technique
    shorter = (cell_key(row.cell, chain[:length]) for length in range(len(chain) - 1, -1, -1))
    return next((known[key] for key in shorter if key in known), None)


def by_cell(rows: Sequence[Row]) -> dict[str, Row]:
    """Of what was measured."""
    return {cell_key(row.cell, row.cell.technique): row for row in rows if row.status == "ok"}


def cell_key(cell: Cell, chain: Chain) -> str:
    """The cell with this chain instead of its own, as text."""
    return canonical({**cell.model_dump(mode="json"), "technique": [part.model_dump(mode="json") for part in chain]})


def steps(row: Row) -> list[Mapping[str, Any]]:
    found = row.record.evidence.get("steps")
    return [step for step in found if isinstance(step, Mapping)] if isinstance(found, (list, tuple)) else []


def step_text(step: Mapping[str, Any]) -> str:
    """`quantize_static: parameters 0.27 M unchanged; bytes 1.10 → 0.33 MB`."""
    parent, child = step.get("parent"), step.get("child")
    name = plain_name(str(step.get("technique", "technique")).partition(":")[0], 60)
    parts = [quantity(key, number_in(parent, key), number_in(child, key)) for key in QUANTITIES]
    shapes = step.get("shapes_changed")
    parts.append(f"{len(shapes)} shapes changed" if isinstance(shapes, Mapping) and shapes else "")
    known = [part for part in parts if part]
    return f"{name}: {'; '.join(known)}" if known else ""


def quantity(key: str, before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    title, form, unit = QUANTITIES[key]
    if before == after:
        return f"{title} unchanged"
    return f"{title} {form(before)} → {form(after)} {unit}"
