"""Two records, or two folders of them, held against each other: `compare`'s ratios, differences and verdicts.

Cells of two folders are matched by `cell_id`; all verdicts on latency, and all on accuracy, hold together (Holm).
What is exact (size, parameters, MACs) has a ratio and no interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from backbench.errors import CantTell, UsageError
from backbench.report.comparison import Versus, against
from backbench.report.folders import records_in
from backbench.report.groups import Alike, conditions
from backbench.report.reading import Found
from backbench.report.rows import Row
from backbench.report.table import refusal


@dataclass(frozen=True)
class Exact:
    """A number without noise on both sides."""

    base: float
    new: float

    @property
    def ratio(self) -> float | None:
        return self.new / self.base if self.base else None


@dataclass(frozen=True)
class Matched:
    """`new` against `base`: the same cell of two folders, or two records that the user named."""

    base: Row
    new: Row
    versus: Versus
    exact: dict[str, Exact]
    unlike: tuple[str, ...]  # conditions that differ


@dataclass(frozen=True)
class Comparison:
    """The pairs, those that were not measured on both sides, and the cells that only one side has."""

    pairs: tuple[Matched, ...]
    unmeasured: tuple[tuple[Row, Row], ...] = ()
    only_base: tuple[Found, ...] = ()
    only_new: tuple[Found, ...] = ()


def compared(base: Path, new: Path) -> Comparison:
    """Two record files, or two folders. Raises UsageError where they can't be matched, BackbenchError where
    unsound, CantTell where no pair was measured on both sides.
    """
    old, fresh = records_in([base]), records_in([new])
    if base.is_file() and new.is_file():
        return comparison([(old[0], fresh[0])])
    mine, theirs = by_cell(old), by_cell(fresh)
    shared = [cell_id for cell_id in mine if cell_id in theirs]
    if not shared:
        raise UsageError(
            f"{base} and {new}: no cell is in both (a cell's id is the hash of its specification); "
            "to compare two different cells, name their two record files"
        )
    return comparison(
        [(mine[cell_id], theirs[cell_id]) for cell_id in shared],
        tuple(item for cell_id, item in mine.items() if cell_id not in theirs),
        tuple(item for cell_id, item in theirs.items() if cell_id not in mine),
    )


def by_cell(found: Sequence[Found]) -> dict[str, Found]:
    return {item.record.cell_id: item for item in found}


def comparison(
    pairs: Sequence[tuple[Found, Found]], only_base: tuple[Found, ...] = (), only_new: tuple[Found, ...] = ()
) -> Comparison:
    """In the order given. Raises CantTell where no pair was measured on both sides."""
    rows = [(Row(2 * place, base), Row(2 * place + 1, new)) for place, (base, new) in enumerate(pairs)]
    measured = [(base, new) for base, new in rows if base.status == new.status == "ok"]
    if not measured:
        culprit = next(row for row in rows[0] if row.status != "ok")
        raise CantTell(f"{culprit.found.path}: nothing to compare: {refusal(culprit)}")
    found = against([(new, base) for base, new in measured])
    matched = (Matched(base, new, found[new.number], exact(base, new), unlike(base, new)) for base, new in measured)
    return Comparison(tuple(matched), tuple(pair for pair in rows if pair not in measured), only_base, only_new)


def exact(base: Row, new: Row) -> dict[str, Exact]:
    """Size, parameters, non-zero parameters and MACs, where both sides know them; disputed MACs are left out."""
    pairs = {
        "size": (base.size, new.size),
        "parameters": (base.parameters("stored"), new.parameters("stored")),
        "nonzero": (base.parameters("nonzero"), new.parameters("nonzero")),
        "macs": (None, None) if base.disputed or new.disputed else (base.macs, new.macs),
        "peak_memory": (base.peak_memory, new.peak_memory),
    }
    return {name: Exact(old, fresh) for name, (old, fresh) in pairs.items() if old is not None and fresh is not None}


def unlike(base: Row, new: Row) -> tuple[str, ...]:
    """Which conditions differ: then a ratio says as much about them as about the cells."""
    mine, theirs = conditions(base.found), conditions(new.found)
    return tuple(item.name for item in fields(Alike) if getattr(mine, item.name) != getattr(theirs, item.name))
