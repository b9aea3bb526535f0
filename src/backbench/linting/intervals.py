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


def number(value: float) -> str:
    """Four significant digits, without an exponent where a person would write none."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(places, 9)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")
