"""Arithmetic on printed numbers: a formula's lowest and highest value, each number within one step of its last digit."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

from backbench.linting.reading import Amount

Formula = Callable[..., float]
SLACK = 1e-9


def bounds(formula: Formula, *amounts: Amount) -> tuple[float, float] | None:
    """None where the formula can't be computed somewhere in between, as a division by zero."""
    try:
        values = [formula(*corner) for corner in product(*((amount.low, amount.high) for amount in amounts))]
    except ZeroDivisionError:
        return None
    return (min(values), max(values)) if all(map(math.isfinite, values)) else None


def holds(printed: Amount, formula: Formula, *amounts: Amount) -> bool | None:
    """Whether the printed number can be the formula's value; None where that can't be computed."""
    found = bounds(formula, *amounts)
    if found is None:
        return None
    slack = SLACK * max(abs(found[0]), abs(found[1]), 1e-12)
    return found[0] - slack <= printed.high and printed.low <= found[1] + slack


def tells(printed: Amount, formula: Formula, a: Amount, b: Amount) -> bool:
    """Whether a match says anything: the two are apart, and what is printed is not what two equal ones would give."""
    if abs(a.value - b.value) < (a.step + b.step) * (1 - 1e-6):
        return False
    neutral = bounds(formula, Amount(a.value, 0.0, ""), Amount(a.value, 0.0, ""))
    return neutral is not None and not printed.low <= neutral[0] <= printed.high


def number(value: float) -> str:
    """Four significant digits, without an exponent where a person would write none."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(places, 9)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")
