"""Parameters against the network that the row names: another network's, doubled, or in another unit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backbench.linting.architectures import Architecture, nearest
from backbench.linting.document import Document
from backbench.linting.finding import Finding
from backbench.linting.intervals import number
from backbench.linting.reading import Amount, Item, Reading
from backbench.linting.rows import networks, technique
from backbench.linting.words import SMALL_IMAGES

SLACK = 0.02  # another head, positions for another input size, a buffer that was counted
FACTORS = {2.0: "twice as many: are they counted double?", 1000.0: "the unit is too large by 1,000",
           0.001: "the unit is too small by 1,000", 4.0: "four times as many: are these bytes?"}  # fmt: skip


def rule(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    for reading in readings:
        for column in reading.whole("parameters"):
            rows = [
                (item, amount, named) for item, amount in reading.amounts(column) if (named := untouched(reading, item))
            ]
            if not comparable(reading, rows):
                continue
            for item, amount, named in rows:
                smaller = small_images(reading) and amount.value < min(one.headless for one in named)
                if not smaller and not any(fits(one, amount) for one in named):
                    yield reading.find("parameters", "error", message(amount, named), item, column)


def untouched(reading: Reading, item: Item) -> tuple[Architecture, ...]:
    """The networks that the row names, where nothing was taken out of them."""
    return () if technique(reading, item) == "pruned" else networks(reading, item)


def comparable(reading: Reading, rows: list[tuple[Item, Amount, tuple[Architecture, ...]]]) -> bool:
    """Networks for tiny images have other stems under the same names: there, most others must fit."""
    fitting = sum(any(fits(one, amount) for one in named) for _, amount, named in rows)
    return not small_images(reading) or (fitting >= 2 and 2 * fitting >= len(rows))


def small_images(reading: Reading) -> bool:
    """Whether the table is about a dataset of tiny images, for which smaller networks of the same names exist."""
    return bool(re.search(SMALL_IMAGES, reading.around().lower()))


def fits(one: Architecture, amount: Amount) -> bool:
    return one.headless * (1 - SLACK) <= amount.high and amount.low <= one.parameters * (1 + SLACK)


def message(amount: Amount, named: tuple[Architecture, ...]) -> str:
    first = named[0]
    has = (
        f"{first.name} has {number(first.parameters / 1e6)} M ({number(first.headless / 1e6)} M without its classifier)"
    )
    said = f"{amount.text} is {number(amount.value / 1e6)} M parameters, {has}"
    for factor, meaning in FACTORS.items():
        if first.holds(amount.value / factor):
            return f"{said}: {meaning}"
    other = nearest(amount.value, named)
    return f"{said}; {number(other.parameters / 1e6)} M is {other.name}'s" if other else said
