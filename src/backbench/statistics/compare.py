"""Comparison of two cells: per-round log-ratios of medians, a t interval, and a verdict (protocol, rule 13).

Cells are paired by round, since the same round means the same moment of the machine. Over a table the intervals hold
together, by Holm: every cell is decided at most one way, so there are as many true null hypotheses as cells, and the
level of the k-th decision is α ÷ (m − k + 1). A cell that is not decided keeps the level at which deciding stopped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from backbench.statistics.intervals import CONFIDENCE, LogInterval

MINIMUM = 0.02  # effects under 2 % are called the same: a rebuild or another memory layout moves as much
Verdict = Literal["faster", "slower", "same", "can't tell"]
Pair = tuple[Mapping[int, float], Mapping[int, float]]


@dataclass(frozen=True)
class Ratio:
    """new ÷ base with its interval over `n` paired rounds; `p` of the hypothesis that the ratio is 1 (two-sided)."""

    estimate: float
    low: float
    high: float
    n: int
    p: float


def paired_ratio(base: Mapping[int, float], new: Mapping[int, float], confidence: float = CONFIDENCE) -> Ratio:
    """From round → median of that round's sample. Raises ValueError where no round holds both."""
    return ratio_of(log_ratios(base, new), confidence)


def simultaneous(pairs: Sequence[Pair], minimum: float = MINIMUM, confidence: float = CONFIDENCE) -> list[Ratio]:
    """Ratios whose intervals carry all the verdicts of the table together, in the order of the pairs."""
    found = [log_ratios(base, new) for base, new in pairs]
    levels = holm_levels([deciding_level(interval, minimum) for interval in found], 1 - confidence)
    return [ratio_of(interval, 1 - level) for interval, level in zip(found, levels, strict=True)]


def verdict(ratio: Ratio, minimum: float = MINIMUM) -> Verdict:
    """For a latency: "faster" and "slower" where the interval is clear of ±minimum, "same" where it is inside."""
    lowest, highest = 1 - minimum, 1 + minimum
    if ratio.high < lowest:
        return "faster"
    if ratio.low > highest:
        return "slower"
    return "same" if lowest <= ratio.low and ratio.high <= highest else "can't tell"


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: compare each with the level of the whole table."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = least
    return adjusted


def holm_levels(p_values: Sequence[float], alpha: float) -> list[float]:
    """The level of each interval: Holm's steps as long as they decide, then the level at which they stopped."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    levels, stopped = [0.0] * len(p_values), False
    level = 0.0
    for rank, place in enumerate(order):
        level = level if stopped else alpha / (len(p_values) - rank)
        stopped = stopped or p_values[place] > level
        levels[place] = level
    return levels


def log_ratios(base: Mapping[int, float], new: Mapping[int, float]) -> LogInterval:
    rounds = sorted(base.keys() & new.keys())
    if not rounds:
        raise ValueError("the two have no round in common: there is nothing to pair")
    if min(min(base[number], new[number]) for number in rounds) <= 0:
        raise ValueError("a ratio needs positive values")
    return LogInterval.of([math.log(new[number] / base[number]) for number in rounds])


def ratio_of(interval: LogInterval, confidence: float) -> Ratio:
    low, high = interval.bounds(confidence)
    return Ratio(math.exp(interval.mean), low, high, interval.n, two_sided(abs(interval.mean), interval))


def deciding_level(interval: LogInterval, minimum: float) -> float:
    """The smallest level whose interval is clear of 1 ± minimum, or inside of it."""
    lowest, highest = math.log(1 - minimum), math.log(1 + minimum)
    inside = min(highest - interval.mean, interval.mean - lowest)
    clear = max(interval.mean - highest, lowest - interval.mean)
    return min(two_sided(inside, interval), two_sided(clear, interval))


def two_sided(distance: float, interval: LogInterval) -> float:
    """P(|T| > distance ÷ error); 1 where the distance is none or one round says nothing."""
    from scipy.special import stdtr

    if interval.n < 2 or distance <= 0:
        return 1.0
    return 2 * float(stdtr(interval.n - 1, -distance / interval.error)) if interval.error > 0 else 0.0
