"""Times: in a unit that they can't be in, in two units in one column, or equal to the last digit where they can't be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from statistics import median

from backbench.linting.columns import Column
from backbench.linting.document import Document
from backbench.linting.finding import Finding, listed
from backbench.linting.intervals import number
from backbench.linting.reading import Amount, Item, Reading
from backbench.linting.rows import networks, settings, subject, technique
from backbench.linting.units import factor_of

SLOWEST = 2e9  # MAC/s: a phone of 2015 does more; a microcontroller is named in the text
FASTEST = 2e15  # MAC/s: no single device does more
TINY = r"\bmcu\b|microcontroller|stm32|esp32|cortex-?m|arduino|raspberry|\brpi\b|risc-?v|fpga|simulat|emulat|encrypt|homomorphic"
CHANCE = 0.01  # expected coincidences that are still called no coincidence
Timed = tuple[Reading, Item, Column, Amount]


def unit(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Seconds with which every network would run slower than on any device, and that would fit as milliseconds."""
    for reading in readings:
        for column in reading.of("latency"):
            found = [(item, time, macs) for item, time in timed(reading, column) if (macs := macs_of(reading, item))]
            if len(found) < 3 or re.search(TINY, f"{document.prose} {column.title}".lower()):
                continue
            rate = median(macs / time.value for _, time, macs in found)
            if rate < SLOWEST <= rate * 1000 < FASTEST and said_in(column, found[0][1], 1.0):
                yield reading.find(
                    "time-unit", "error", unit_message(found, rate, "s", "ms", 1000), None, column, row="all rows"
                )
            elif rate > FASTEST >= rate / 1000 and said_in(column, found[0][1], 1e-3):
                yield reading.find(
                    "time-unit", "error", unit_message(found, rate, "ms", "s", 0.001), None, column, row="all rows"
                )


def timed(reading: Reading, column: Column) -> list[tuple[Item, Amount]]:
    return [(item, amount) for item, amount in reading.amounts(column) if amount.value > 0]


def said_in(column: Column, amount: Amount, factor: float) -> bool:
    """Whether the title, or the cell, names this unit."""
    words = [column.unit_text, *re.findall(r"[A-Za-zµ]+", amount.text)]
    units = (factor_of(word) for word in words if word)
    return any(unit is not None and unit.dimension == "time" and unit.factor == factor for unit in units)


def macs_of(reading: Reading, item: Item) -> float | None:
    """What the table says, else what the named network has at 224."""
    for column in reading.of("macs", "flops"):
        amount = reading.amount(item, column)
        if amount and amount.value > 0:
            return amount.value
    found = networks(reading, item)
    return float(found[0].usual.macs) if found and technique(reading, item) is None else None


def unit_message(found: list[tuple[Item, Amount, float]], rate: float, said: str, meant: str, factor: float) -> str:
    item, time, macs = min(found, key=lambda row: abs(row[2] / row[1].value - rate))
    return (
        f"{time.text} {said} for {number(macs / 1e9)} G ({item.name}) is {number(macs / time.value / 1e9)} G operations a second,"
        f" as {meant} {number(macs / time.value / 1e9 * factor)} G: the unit is {meant}"
    )


def mixed_units(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Seconds and milliseconds one under the other. One finding a column."""
    for reading in readings:
        for column in reading.of("latency", "size", "memory"):
            units: dict[str, list[str]] = {}
            for item in reading.items:
                found = item.numbers.get(column.number)
                if found and found.unit:
                    units.setdefault(plain_unit(found.unit), []).append(item.name)
            if len(units) > 1:
                parts = " and ".join(f"{name} ({listed(rows, 2)})" for name, rows in units.items())
                message = f"the column mixes {parts}: a reader compares the numbers, not the units"
                yield reading.find("mixed-units", "warning", message, None, column)


def plain_unit(text: str) -> str:
    word = text.lower().rstrip("s") if len(text) > 2 else text.lower()
    return {"second": "s", "sec": "s", "millisecond": "ms", "msec": "ms"}.get(word, word)


def identical(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """The same time to the last digit for different networks, where chance would hardly do that."""
    for group in comparable(readings):
        for one, other in coincidences(group):
            message = (
                f"{other[3].text} is also the time of {where(one, other)}, to the last digit: different networks take"
                " different times, so something else was timed (a clock read before the device was done?)"
            )
            yield other[0].find("identical-times", "error", message, other[1], other[2])


def comparable(readings: Sequence[Reading]) -> Iterator[list[Timed]]:
    """Times of one column of one table; and of the rows of one name in tables that are about different networks."""
    across: dict[tuple[str, str], list[Timed]] = {}
    for reading in readings:
        for column in reading.of("latency"):
            rows = [(reading, item, column, amount) for item, amount in timed(reading, column)]
            yield rows
            for row in rows:
                across.setdefault((row[1].label, column.title), []).append(row)
    for group in across.values():
        if len({subject(reading, item) for reading, item, _, _ in group}) == len(group) > 1:
            yield group


def coincidences(group: list[Timed]) -> Iterator[tuple[Timed, Timed]]:
    """Equal times of rows that are about different networks, if fewer than one in a hundred such groups had one by chance."""
    values = [amount.value for *_, amount in group]
    if len(values) < 2:
        return
    ways = len(values) * (len(values) - 1) / 2
    spread = max(1.0, math.log(max(values) / min(values)))
    first: dict[float, Timed] = {}
    for row in group:
        expected = ways * row[3].step / row[3].value / spread
        earlier = first.setdefault(row[3].value, row)
        if earlier is not row and expected <= CHANCE and different(earlier, row):
            yield earlier, row


def different(one: Timed, other: Timed) -> bool:
    """Two networks that are known to differ, and don't hold or cost the same in this table."""
    names = (subject(one[0], one[1]), subject(other[0], other[1]))
    if names[0] == names[1] or not all(networks(row[0], row[1]) for row in (one, other)):
        return False
    return not any(twins(one, other)) and settings(one[0], one[1]) == settings(other[0], other[1])


def twins(one: Timed, other: Timed) -> Iterator[bool]:
    for kind in ("parameters", "macs", "flops"):
        for a, b in zip(one[0].of(kind), other[0].of(kind), strict=False):
            left, right = one[0].amount(one[1], a), other[0].amount(other[1], b)
            yield left is not None and right is not None and left.value == right.value


def where(one: Timed, other: Timed) -> str:
    return one[1].name if one[0] is other[0] else f"{one[0].table.title} ({one[1].name})"
