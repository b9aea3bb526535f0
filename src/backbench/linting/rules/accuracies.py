"""Shares: none over 100 %, top-1 no higher than top-5, accuracy and error make 100, and chance is no accuracy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backbench.linting.columns import Column
from backbench.linting.document import Document
from backbench.linting.finding import Finding
from backbench.linting.intervals import bounds, number
from backbench.linting.reading import Amount, Reading

CHANCE = ((r"cifar-?100\b", 100), (r"cifar|svhn|mnist|digits", 10))  # classes, by the dataset's name
USUAL_CLASSES = 10
LEAST = 5  # rows before a column is called chance


def rule(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    for reading in readings:
        for column in shares(reading):
            yield from outside(reading, column)
        for column in reading.of("accuracy", "top5"):
            yield from mixed(reading, column)
        yield from ordered(reading)
        yield from complements(reading)


def shares(reading: Reading) -> list[Column]:
    """Columns of accuracies and errors, and columns in percent that are a side of a comparison."""
    named = reading.of("accuracy", "top5", "error", "error5")
    return named + [one for one in reading.columns if one.kind is None and one.side and one.unit_text == "%"]


def outside(reading: Reading, column: Column) -> Iterator[Finding]:
    for item, amount in reading.amounts(column):
        if amount.value > 100 or amount.value < 0:
            yield reading.find("percent", "error", f"{amount.text} is no share: they lie from 0 to 100 %", item, column)


def mixed(reading: Reading, column: Column) -> Iterator[Finding]:
    """Some as a fraction of one, some as percent."""
    found = reading.amounts(column)
    middle = sorted(amount.value for _, amount in found)[len(found) // 2] if len(found) >= 3 else 0.0
    for item, amount in found:
        if middle > 1 and 0.5 * middle / 100 <= amount.value <= 1 and "%" not in amount.text:
            message = f"{amount.text} beside {number(middle)} in the same column: a fraction of one among percentages?"
            yield reading.find("percent", "warning", message, item, column)


def ordered(reading: Reading) -> Iterator[Finding]:
    """top-5 counts every image that top-1 counts."""
    first, fifth = reading.of("accuracy"), reading.of("top5")
    if len(first) != 1 or len(fifth) != 1:
        return
    for item in reading.items:
        top1, top5 = reading.amount(item, first[0]), reading.amount(item, fifth[0])
        if top1 and top5 and top1.low > top5.high:
            message = f"top-1 {top1.text} is over top-5 {top5.text}: what is right at once is right among five"
            yield reading.find("percent", "error", message, item, first[0])


def complements(reading: Reading) -> Iterator[Finding]:
    for right, wrong in (("accuracy", "error"), ("top5", "error5")):
        columns = (reading.of(right), reading.of(wrong))  # type: ignore[arg-type]
        if len(columns[0]) == len(columns[1]) == 1:
            yield from complement(reading, columns[0][0], columns[1][0])


def complement(reading: Reading, right: Column, wrong: Column) -> Iterator[Finding]:
    for item in reading.items:
        accuracy, error = reading.amount(item, right), reading.amount(item, wrong)
        if accuracy and error and accuracy.value > 1:
            low, high = bounds(lambda a, b: a + b, accuracy, error) or (100, 100)
            if not low - 1e-9 <= 100 <= high + 1e-9:
                message = (
                    f"{accuracy.text} right and {error.text} wrong make {number(accuracy.value + error.value)}, not 100"
                )
                yield reading.find("percent", "error", message, item, wrong)


def chance(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """A column of which every entry is what guessing gives."""
    for reading in readings:
        for column in reading.of("accuracy"):
            values = [amount for _, amount in reading.amounts(column)]
            classes = classes_of(reading)
            if looks_guessed(values, classes):
                mean = sum(amount.value for amount in values) / len(values)
                message = (
                    f"all {len(values)} values lie around {number(mean)} %: guessing among {classes} classes gives"
                    f" {number(100 / classes)} %, so no network here was trained for these classes"
                )
                yield reading.find("chance", "error", message, None, column, row="all rows")


def classes_of(reading: Reading) -> int:
    around = reading.around().lower()
    return next((classes for pattern, classes in CHANCE if re.search(pattern, around)), USUAL_CLASSES)


def looks_guessed(values: list[Amount], classes: int) -> bool:
    guess = 100 / classes
    if len(values) < LEAST or any(not 0.3 * guess <= amount.value <= 1.8 * guess for amount in values):
        return False
    return abs(sum(amount.value for amount in values) / len(values) / guess - 1) <= 0.25
