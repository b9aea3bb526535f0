"""A "memory" that is the weights and one constant in every row: what was allocated before anything ran, and no peak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backbench.linting.columns import Column
from backbench.linting.document import Document
from backbench.linting.finding import Finding
from backbench.linting.intervals import number
from backbench.linting.reading import Reading

LEAST = 4  # rows
SPREAD = 0.03  # of the weights' range: activations of different networks are never so equal
REST = 5e5  # bytes: less than this beside the weights is a file's size, and says so by its title


def rule(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    for reading in readings:
        counts = reading.of("parameters")
        for column in reading.of("memory") if len(counts) == 1 else ():
            yield from constant(reading, column, counts[0])


def constant(reading: Reading, column: Column, counts: Column) -> Iterator[Finding]:
    """As MB and as MiB: whichever leaves the more equal rest."""
    rows = [
        (memory.value, count.value * 4)
        for item, memory in reading.amounts(column)
        if (count := reading.amount(item, counts)) is not None
    ]
    if len(rows) < LEAST:
        return
    for factor, unit in ((2**20 / 1e6, "MiB"), (1.0, "MB")):
        rests = [memory * factor - weights for memory, weights in rows]
        span = max(weights for _, weights in rows) - min(weights for _, weights in rows)
        if min(rests) > REST and span > 0 and max(rests) - min(rests) <= SPREAD * span:
            yield reading.find("memory-of-weights", "error", message(rests, unit), None, column, row="all rows")
            return


def message(rests: list[float], unit: str) -> str:
    scale = 2**20 if unit == "MiB" else 1e6
    left = f"minus parameters × 4 bytes it leaves {number(min(rests) / scale)} to {number(max(rests) / scale)} {unit} in every row"
    meaning = "the weights and something that is equal for all (an input?), no activations, so it is no peak"
    return f"{left}: {meaning}" + ("; and the unit is MiB" if unit == "MiB" else "")
