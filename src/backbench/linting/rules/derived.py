"""Differences and ratios inside a row: which two columns a derived column was made of is read from the rows that agree.

A formula counts as found where most rows fit it; the rows that don't are the findings. Where no formula fits, the
column may mean something that the table doesn't show, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from backbench.linting.columns import EXPECTED, Column
from backbench.linting.document import Document
from backbench.linting.finding import Finding
from backbench.linting.intervals import Formula, holds, number, tells
from backbench.linting.reading import Amount, Item, Reading

SHARE = 0.6  # of the rows must fit a formula before the others are said to be wrong
DIFFERENCES: tuple[tuple[str, Formula], ...] = (
    ("{b} − {a}", lambda a, b: b - a),
    ("100 × ({b} − {a}) ÷ {a}", lambda a, b: 100 * (b - a) / a),
    ("({b} − {a}) ÷ {a}", lambda a, b: (b - a) / a),
)
RATIOS: tuple[tuple[str, Formula], ...] = (
    ("{b} ÷ {a}", lambda a, b: b / a),
    ("100 × {b} ÷ {a}", lambda a, b: 100 * b / a),
    ("100 × ({b} − {a}) ÷ {a}", lambda a, b: 100 * (b - a) / a),
    ("({b} − {a}) ÷ {a}", lambda a, b: (b - a) / a),
    ("{b} − {a}", lambda a, b: b - a),
)


@dataclass(frozen=True)
class Explained:
    """`column` is `formula` of the columns `a` and `b` in the rows `fit`, and not in the rows `fail`."""

    column: Column
    a: Column
    b: Column
    words: str
    formula: Formula
    fit: tuple[Item, ...]
    fail: tuple[Item, ...]
    telling: int  # rows among `fit` that chance would hardly fit

    def sentence(self, a: Amount, b: Amount, printed: Amount) -> str:
        value = self.formula(a.value, b.value)
        # Printed values in the formula, so that a reader can repeat it.
        made = self.words.format(a=a.text or number(a.value), b=b.text or number(b.value))
        sign = ": the sign is wrong" if abs(value + printed.value) <= 2 * printed.step + 1e-9 and value else ""
        fits = f"as in {len(self.fit)} of {len(self.fit) + len(self.fail)} rows"
        return (
            f"{printed.text} is printed, {made} = {number(value)}{sign} ({self.b.title} against {self.a.title}, {fits})"
        )


def rule(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    for reading in readings:
        for column in reading.of("difference", "ratio"):
            found = explained(reading, column)
            for item in found.fail if found else ():
                yield finding(reading, found, item)


def finding(reading: Reading, found: Explained | None, item: Item) -> Finding:
    assert found is not None
    a, b, printed = (amount_for(reading, item, one, found.column) for one in (found.a, found.b, found.column))
    assert a is not None
    assert b is not None
    assert printed is not None
    name = "difference" if found.column.kind == "difference" else "ratio"
    return reading.find(name, "error", found.sentence(a, b, printed), item, found.column)


def explained(reading: Reading, column: Column) -> Explained | None:
    """The formula and the pair of columns that most rows fit, if enough do."""
    candidates = [
        tried(reading, column, a, b, words, formula)
        for a, b in candidate_pairs(reading, column)
        for words, formula in (DIFFERENCES if column.kind == "difference" else RATIOS)
    ]
    best = max(candidates, key=lambda one: (len(one.fit), -len(one.fail), one.telling, told(one)), default=None)
    return best if best and enough(best) else None


def told(found: Explained) -> bool:
    """Whether the titles say which side is which."""
    return {found.a.side, found.b.side} == {"base", "new"}


def enough(found: Explained) -> bool:
    fit, total = len(found.fit), len(found.fit) + len(found.fail)
    least = 2 if told(found) or not found.fail else 3
    return fit >= least and fit >= SHARE * total and found.telling >= min(2, least)


def candidate_pairs(reading: Reading, column: Column) -> Iterator[tuple[Column, Column]]:
    """Ordered pairs of columns of one metric: the one that the derived column names, where it names one."""
    held = {number for item in reading.items for number in item.numbers}
    open_columns = [one for one in reading.columns if not one.derived and one.number in held and one is not column]
    for a, b in permutations(open_columns, 2):
        sided = a.side == "base" and b.side == "new"
        if a.kind == b.kind and (a.result or sided) and (column.about in (None, a.kind) or (a.kind is None and sided)):
            yield a, b


def tried(reading: Reading, column: Column, a: Column, b: Column, words: str, formula: Formula) -> Explained:
    fit: list[Item] = []
    fail: list[Item] = []
    telling = 0
    for item in reading.items if commensurable(column, a, words) else ():
        printed, left, right = (amount_for(reading, item, one, column) for one in (column, a, b))
        if printed is None or left is None or right is None:
            continue
        verdict = holds(printed, formula, left, right)
        if verdict is not None:
            (fit if verdict else fail).append(item)
            telling += verdict and tells(printed, formula, left, right)
    return Explained(column, a, b, words, formula, tuple(fit), tuple(fail), telling)


def commensurable(column: Column, metric: Column, words: str) -> bool:
    """A plain difference has the unit of what it is of: percentage points are no difference of milliseconds."""
    wanted = EXPECTED.get(str(metric.kind))
    return "÷" in words or column.unit is None or wanted is None or column.unit.dimension == wanted


def amount_for(reading: Reading, item: Item, column: Column, derived: Column) -> Amount | None:
    """In base units for ratios; as printed for differences, which have the unit of their columns."""
    if derived.kind == "ratio" and column is not derived and column.kind is not None:
        return reading.amount(item, column)
    found = item.numbers.get(column.number)
    return Amount(found.value, found.step, found.text) if found else None
