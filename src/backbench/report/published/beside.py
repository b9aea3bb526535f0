"""A published document beside the records: published | here, each number with its unit, each row with what differs.

A record stands beside a row where every field that the row matches on is its own. Where none does, the row says so,
and why where such a cell failed or was skipped: a number that was measured on something else is never put beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backbench.report.published.document import Column, Document, Row, Table, Value, load
from backbench.report.rows import Row as Measured
from backbench.report.section import Section
from backbench.spec.cell import Cell, read_input
from backbench.spec.choice import PREFIXES
from backbench.spec.where import matches

MAX_RECORDS = 8  # beside one published row
TO_BASE = {
    "%": 1e-2,
    "s": 1.0,
    "ms": 1e-3,
    "img/s": 1.0,
    "MB": 1e6,
    "MiB": 2.0**20,
    "M": 1e6,
    "G": 1e9,
    "1": 1.0,
    "J": 1.0,
}
HERE: Mapping[str, Callable[[Measured, Column], float | None]] = {
    "accuracy": lambda row, column: row.accuracy.estimate if row.accuracy and row.trained else None,
    "latency": lambda row, column: latency(row, column),
    "throughput": lambda row, column: throughput(row),
    "parameters": lambda row, column: row.parameters("stored"),
    "macs": lambda row, column: None if row.disputed else row.macs,
    "size": lambda row, column: row.size,
    "weights_memory": lambda row, column: row.parameters("weights_bytes"),
    "allocated_memory": lambda row, column: None,  # what an allocator of theirs counted is not measured here
    "peak_memory": lambda row, column: row.peak_memory,
    "energy": lambda row, column: row.energy,
}


@dataclass(frozen=True)
class Pair:
    """One published number and, where a record matches, the one measured here; both in `column.unit`.

    `refused`: the cell that was to give it and was skipped or failed.
    """

    row: Row
    column: Column
    published: Value
    here: float | None
    measured: Measured | None
    refused: Measured | None = None

    @property
    def ratio(self) -> float | None:
        """Here ÷ published."""
        if self.here is None or isinstance(self.published, str) or not self.published:
            return None
        return self.here / self.published


@dataclass(frozen=True)
class Held:
    """A published table held against the records; `sections` are those that a record of it comes from."""

    table: Table
    pairs: tuple[Pair, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Beside:
    document: Document
    tables: tuple[Held, ...]


def beside(name: str, sections: Sequence[Section]) -> Beside:
    """Raises UnknownName where there is no such document."""
    document = load(name)
    return Beside(document, tuple(held(table, sections) for table in document.tables))


def held(table: Table, sections: Sequence[Section]) -> Held:
    pairs = tuple(pair for row in table.rows for pair in pairs_of(table, row, sections))
    numbers = {pair.measured.number for pair in pairs if pair.measured}
    return Held(table, pairs, tuple(section for section in sections if numbers & section.by_number.keys()))


def pairs_of(table: Table, row: Row, sections: Sequence[Section]) -> Iterator[Pair]:
    """The row's numbers for each record that is the same experiment; once without one where there is none."""
    where = {**table.match, **row.match}
    alike = [each for section in sections for each in section.rows if where and is_meant(each.cell, where)]
    shown: Sequence[Measured | None] = [each for each in alike if each.status == "ok"][:MAX_RECORDS] or (None,)
    for measured in shown:
        for column, value in zip(table.columns, row.values, strict=True):
            if value is not None:
                here = in_unit(HERE[column.quantity](measured, column), column) if measured else None
                yield Pair(row, column, value, here, measured, None if measured else failed_first(alike))


def failed_first(refused: Sequence[Measured]) -> Measured | None:
    """What was tried tells more than what was not; of equal ones the first."""
    return min(refused, key=lambda row: row.status != "failed", default=None)


def is_meant(cell: Cell, where: Mapping[str, Any]) -> bool:
    """As in a study's `exclude`; a model's tag (`.in1k`) and the library that it comes from don't count."""
    wanted = dict(where)
    if "input" in wanted and cell.input != read_input(wanted.pop("input")):
        return False
    return matches(
        cell.model_copy(update={"model": cell.model.model_copy(update={"name": bare(cell.model.name)})}), wanted
    )


def bare(name: str) -> str:
    """`torchvision:resnet50` and `resnet50.a1_in1k` are `resnet50`."""
    prefix = next((prefix for prefix in PREFIXES if name.startswith(prefix)), "")
    return name.removeprefix(prefix).partition(".")[0]


def latency(row: Measured, column: Column) -> float | None:
    """The statistic that was published: a mean is held against the mean. Seconds of a call over the images in it."""
    found = row.latency
    if found is None:
        return None
    return (found.mean if column.statistic == "mean" else found.median) / row.cell.batch


def throughput(row: Measured) -> float | None:
    """At the batch that was called: the best batch of a sweep answers another question."""
    return row.cell.batch / row.latency.mean if row.latency and row.latency.mean > 0 else None


def in_unit(value: float | None, column: Column) -> float | None:
    return None if value is None else value / TO_BASE[column.unit]
