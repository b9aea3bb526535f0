"""Accuracies and their differences (protocol, rule 14): Wilson's interval, McNemar's exact test, a stated margin.

A large p is no equality: "no worse" needs an interval that excludes a loss over the margin. Two cells are compared
image by image, so the difference is one of paired proportions (Agresti and Min 2005: Wald's interval with half an
image added to each of the four cells).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from backbench.statistics.intervals import CONFIDENCE


@dataclass(frozen=True)
class Proportion:
    """A share in 0…1 with its interval."""

    estimate: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Difference:
    """new − base in percentage points with its interval; `p` of McNemar's exact test; how many only one got right."""

    pp: float
    low: float
    high: float
    p: float
    only_base: int
    only_new: int
    n: int


def wilson(correct: int, n: int, confidence: float = CONFIDENCE) -> Proportion:
    """Wilson's score interval of `correct` out of `n`. Raises ValueError where that is no share."""
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"{correct} of {n} is no share")
    z, share = normal_quantile(confidence), correct / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At 0 and n the bound is 0 and 1 exactly, which rounding would miss.
    low = 0.0 if correct == 0 else max(0.0, middle - reach)
    high = 1.0 if correct == n else min(1.0, middle + reach)
    return Proportion(share, low, high, n)


def mcnemar(
    base: Sequence[bool] | NDArray[Any], new: Sequence[bool] | NDArray[Any], confidence: float = CONFIDENCE
) -> Difference:
    """From whether each of the same images is right, in order. Raises ValueError where the numbers differ."""
    old, fresh = np.asarray(base, bool), np.asarray(new, bool)
    if old.shape != fresh.shape or old.size == 0:
        raise ValueError(f"the same images are needed on both sides, not {old.size} and {fresh.size}")
    lost, won = int((old & ~fresh).sum()), int((~old & fresh).sum())
    low, high = paired_interval(lost, won, old.size, confidence)
    return Difference(100 * (won - lost) / old.size, 100 * low, 100 * high, exact_p(lost, won), lost, won, old.size)


def paired_interval(lost: int, won: int, n: int, confidence: float) -> tuple[float, float]:
    """Agresti and Min's interval of (won − lost) ÷ n."""
    total, less, more = n + 2, lost + 0.5, won + 0.5
    middle = (more - less) / total
    reach = normal_quantile(confidence) * math.sqrt(more + less - (more - less) ** 2 / total) / total
    return max(-1.0, middle - reach), min(1.0, middle + reach)


def exact_p(lost: int, won: int) -> float:
    """McNemar's exact two-sided p: the images that only one got right, against a fair coin."""
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(lost, won), lost + won, 0.5))) if lost + won else 1.0


def no_worse(difference: Difference, margin: float = 1.0) -> Literal["yes", "no", "can't tell"]:
    """Whether new loses less than `margin` percentage points to base."""
    if difference.low > -margin:
        return "yes"
    return "no" if difference.high < -margin else "can't tell"


def normal_quantile(confidence: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + confidence / 2))
