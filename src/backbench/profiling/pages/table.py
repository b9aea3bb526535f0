"""A table of text with its sentences: what the terminal, Markdown and HTML all show."""

from __future__ import annotations

from dataclasses import dataclass

from backbench.report.units import NOTHING, digits


@dataclass(frozen=True)
class Table:
    """`numeric`: which columns are numbers. `lines` stand behind the table, as sentences."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...] = ()
    text_columns: int = 1  # how many columns at the left are words

    @property
    def numeric(self) -> tuple[bool, ...]:
        return tuple(place >= self.text_columns for place in range(len(self.columns)))


def mib(size: float | None) -> str:
    """Bytes as MiB = 2²⁰ bytes."""
    return NOTHING if size is None else digits(size / 2**20, 4)
