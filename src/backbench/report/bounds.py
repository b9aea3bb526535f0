"""`--fail-if 'latency > 1.05'`: a bound on a comparison, decided only where the interval clears it.

    METRIC > NUMBER    or    METRIC < NUMBER

    latency, size, parameters, nonzero, macs     new ÷ base (1.05 is 5 % more)
    accuracy                                      new − base in percentage points (-1 is one point less)

Met: the whole interval is on the bound's side. Not met: the whole interval is on the other side. Otherwise nobody can
tell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from backbench.errors import UsageError, unknown
from backbench.report.versus import Matched

Decision = Literal["met", "not met", "can't tell"]
METRICS = ("accuracy", "latency", "macs", "nonzero", "parameters", "size")
FORM = re.compile(r"\s*([A-Za-z_]+)\s*([<>])\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*")


@dataclass(frozen=True)
class Bound:
    metric: str
    above: bool  # whether being above the number is what fails
    number: float

    def __str__(self) -> str:
        return f"{self.metric} {'>' if self.above else '<'} {self.number:g}"

    def decide(self, pair: Matched) -> Decision:
        """Whether what the bound says holds for this pair."""
        interval = interval_of(pair, self.metric)
        if interval is None:
            return "can't tell"
        low, high = interval
        if self.above:
            return "met" if low > self.number else "not met" if high <= self.number else "can't tell"
        return "met" if high < self.number else "not met" if low >= self.number else "can't tell"


def read_bound(text: str) -> Bound:
    """Raises UsageError for anything but `metric > number` and `metric < number`."""
    found = FORM.fullmatch(text[:200])
    if not found:
        raise UsageError(
            f"--fail-if {text[:60]!r}: a bound is METRIC > NUMBER or METRIC < NUMBER, e.g. 'latency > 1.05'"
        )
    if found[1] not in METRICS:
        raise UsageError(f"--fail-if: {unknown('metric', found[1], METRICS)}")
    return Bound(found[1], found[2] == ">", float(found[3]))


def interval_of(pair: Matched, metric: str) -> tuple[float, float] | None:
    """Low and high of what the bound speaks of; None where one side does not know it."""
    versus = pair.versus
    if metric == "latency":
        return (versus.ratio.low, versus.ratio.high) if versus.ratio else None
    if metric == "accuracy":
        return (versus.difference.low, versus.difference.high) if versus.difference else None
    if metric not in pair.exact:
        return None
    ratio = pair.exact[metric].ratio
    return None if ratio is None or not math.isfinite(ratio) else (ratio, ratio)


def worst(decisions: Iterable[Decision]) -> Decision:
    """Over all pairs and bounds: one that is met decides; then one that can't be told."""
    found = set(decisions)
    return "met" if "met" in found else "can't tell" if "can't tell" in found else "not met"
