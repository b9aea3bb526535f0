"""What an accuracy can be held against: latency, size, memory, MACs, energy. One line each, with its unit and the
interval of a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backbench.report.pareto import Interval
from backbench.report.rows import Row


@dataclass(frozen=True)
class Axis:
    """`interval` is in base units; `scale` makes them the printed unit."""

    name: str
    title: str
    unit: str
    scale: float
    interval: Callable[[Row], Interval | None]


def exact(value: float | None) -> Interval | None:
    """A cost of nothing has no place on a logarithmic axis."""
    return Interval.exact(value) if value is not None and value > 0 else None


def latency(row: Row) -> Interval | None:
    found = row.latency
    return Interval(found.median, found.low, found.high) if found else None


LATENCY = Axis("latency", "latency", "ms", 1e3, latency)
AXES = (
    LATENCY,
    Axis("size", "size", "MB", 1e-6, lambda row: exact(row.size)),
    Axis("memory", "peak memory", "MB", 1e-6, lambda row: exact(row.peak_memory)),
    Axis("macs", "MACs", "M", 1e-6, lambda row: None if row.disputed else exact(row.macs)),
    Axis("energy", "energy", "J/image", 1.0, lambda row: exact(row.energy)),
)
