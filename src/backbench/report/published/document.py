"""A published document as data: its tables row by row, the units as they really are, and what was wrong with it.

A value stands as it was printed. `unit` is what it really is, where the document says another one (`printed_unit`).
A row says which cells of backbench are the same experiment as far as it is known (`match`, as in a study's `exclude`);
`quantity` and `statistic` say which number of theirs stands in the column, in backbench's words.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import Field, model_validator

from backbench.errors import UnknownName
from backbench.records.schema import Frozen

SUFFIX = ".yaml"
Value = float | str | None  # None: the document has nothing there
Quantity = Literal[
    "accuracy", "latency", "throughput", "parameters", "macs", "size", "weights_memory", "allocated_memory",
    "peak_memory", "energy",
]  # fmt: skip


class Column(Frozen):
    """`where`: what of the machine or the run differs between the document's columns (device: RTX 2080 Ti)."""

    name: str
    title: str  # as printed
    quantity: Quantity
    unit: str  # ms, s, img/s, %, MB (10⁶), MiB (2²⁰), M (10⁶), 1
    printed_unit: str | None = None
    statistic: Literal["mean", "median", "minimum", "last", "best", "count"] | None = None
    where: dict[str, Any] = Field(default_factory=dict)
    note: str | None = None


class Row(Frozen):
    """`label` as printed; `match`: fields of a cell; values in the order of the columns."""

    label: str
    match: dict[str, Any] = Field(default_factory=dict)
    values: tuple[Value, ...]
    note: str | None = None


class Table(Frozen):
    """`match` holds for every row; `conditions` are what the document says, or what its code shows."""

    name: str
    title: str
    match: dict[str, Any] = Field(default_factory=dict)
    conditions: dict[str, Any] = Field(default_factory=dict)
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Table:
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise ValueError(f"row {row.label!r} has {len(row.values)} values for {len(self.columns)} columns")
        return self

    def cells(self) -> Iterator[tuple[Row, Column, Value]]:
        """Every value with its row and column."""
        for row in self.rows:
            for column, value in zip(self.columns, row.values, strict=True):
                yield row, column, value


class Document(Frozen):
    """`faults`: what of its measuring makes a number something else than it says."""

    document: str
    title: str
    source: str
    conditions: dict[str, Any] = Field(default_factory=dict)
    faults: tuple[str, ...] = ()
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        """Raises UnknownName."""
        found = {table.name: table for table in self.tables}
        if name not in found:
            raise UnknownName("table", name, found, self.document)
        return found[name]


def names() -> list[str]:
    """The documents that ship with the package."""
    here = files("backbench.report.published")
    return sorted(item.name.removesuffix(SUFFIX) for item in here.iterdir() if item.name.endswith(SUFFIX))


@cache
def load(name: str) -> Document:
    """Raises UnknownName."""
    if name not in names():
        raise UnknownName("published document", name, names())
    text = (files("backbench.report.published") / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    return Document.model_validate(yaml.safe_load(text))
