"""Speed-ups and differences against a baseline's row: the row that says 1× (or 0, or nothing) stands before the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backbench.linting.columns import Column
from backbench.linting.document import Document
from backbench.linting.finding import Finding
from backbench.linting.intervals import Formula, holds, number, tells
from backbench.linting.reading import Amount, Item, Reading
from backbench.linting.rules.derived import SHARE, amount_for, commensurable, explained

NEUTRAL = {"ratio": 1.0, "difference": 0.0}
FORMULAS: dict[str, tuple[tuple[str, Formula], ...]] = {
    "ratio": (("{a} ÷ {b}", lambda a, b: a / b), ("{b} ÷ {a}", lambda a, b: b / a)),
    "difference": (("{b} − {a}", lambda a, b: b - a), ("{a} − {b}", lambda a, b: a - b)),
}
LEAST = 3  # rows that must fit
TELLING = 2  # among them, rows that differ from their baseline


@dataclass(frozen=True)
class Against:
    column: Column
    metric: Column
    words: str
    formula: Formula
    fit: tuple[tuple[Item, Item], ...]
    fail: tuple[tuple[Item, Item], ...]
    telling: int


def rule(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    for reading in readings:
        for column in reading.of("difference", "ratio"):
            if explained(reading, column) is None and (found := against(reading, column)):
                yield from (finding(reading, found, base, item) for base, item in found.fail)


def against(reading: Reading, column: Column) -> Against | None:
    couples = list(with_base(reading, column))
    tries = [
        tried(reading, column, metric, words, formula, couples)
        for metric in reading.columns
        if metric.result and not metric.derived
        for words, formula in FORMULAS[str(column.kind)]
    ]
    best = max(tries, key=lambda one: (len(one.fit), one.telling), default=None)
    if (
        best is None
        or best.telling < TELLING
        or len(best.fit) < LEAST
        or len(best.fit) < SHARE * (len(best.fit) + len(best.fail))
    ):
        return None
    return best


def with_base(reading: Reading, column: Column) -> Iterator[tuple[Item, Item]]:
    """(baseline, row): the baseline is the nearest earlier row whose own entry is neutral or no number."""
    base: Item | None = None
    for item in reading.items:
        found = item.numbers.get(column.number)
        if found is None or found.value == NEUTRAL[str(column.kind)]:
            base = item
        elif base is not None:
            yield base, item


def tried(
    reading: Reading, column: Column, metric: Column, words: str, formula: Formula, couples: list[tuple[Item, Item]]
) -> Against:
    fit: list[tuple[Item, Item]] = []
    fail: list[tuple[Item, Item]] = []
    telling = 0
    for base, item in couples if commensurable(column, metric, words) else ():
        a, b, printed = amounts(reading, column, metric, base, item)
        if a is None or b is None or printed is None:
            continue
        verdict = holds(printed, formula, a, b)
        (fit if verdict else fail).append((base, item))
        telling += bool(verdict) and tells(printed, formula, a, b)
    return Against(column, metric, words, formula, tuple(fit), tuple(fail), telling)


def amounts(
    reading: Reading, column: Column, metric: Column, base: Item, item: Item
) -> tuple[Amount | None, Amount | None, Amount | None]:
    return (
        amount_for(reading, base, metric, column),
        amount_for(reading, item, metric, column),
        amount_for(reading, item, column, column),
    )


def finding(reading: Reading, found: Against, base: Item, item: Item) -> Finding:
    a, b, printed = amounts(reading, found.column, found.metric, base, item)
    assert a is not None
    assert b is not None
    assert printed is not None
    value = found.formula(a.value, b.value)
    made = found.words.format(a=a.text, b=b.text)
    message = f"{printed.text} is printed, {made} = {number(value)} ({found.metric.title} against the row {base.name})"
    return reading.find(
        "difference" if found.column.kind == "difference" else "ratio", "error", message, item, found.column
    )
