"""`--fail-if 'latency > 1.05'`: a bound on a comparison, decided only where the interval clears it.

    METRIC > NUMBER[UNIT]    or    METRIC < NUMBER[UNIT]

    latency, size, parameters, nonzero, macs     new ÷ base: 1.05 or 1.05x; 5% means 1.05, -5% means 0.95
    accuracy (top1)                              new − base in percentage points: -0.5 or -0.5pp

Met: the whole interval is on the bound's side. Not met: the whole interval is on the other side. Otherwise nobody can
tell; nor where a side was not measured, or where two latencies come from different machines.
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
ALIASES = {"top1": "accuracy"}
FORM = re.compile(r"\s*([A-Za-z_]\w*)\s*([<>])\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*(pp|%|x|×|)\s*")
UNITS = {"accuracy": ("", "pp")}
RATIO_UNITS = ("", "x", "×", "%")


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
            f"--fail-if {text[:60]!r}: a bound is METRIC > NUMBER or METRIC < NUMBER, e.g. 'latency > 1.05', 'top1 < -0.5pp'"
        )
    metric = ALIASES.get(found[1], found[1])
    if metric not in METRICS:
        raise UsageError(f"--fail-if: {unknown('metric', found[1], [*METRICS, *ALIASES])}")
    allowed = UNITS.get(metric, RATIO_UNITS)
    if found[4] not in allowed:
        named = " or ".join(repr(unit) for unit in allowed if unit)
        raise UsageError(f"--fail-if {text[:60]!r}: {metric} is bounded in {named}, not in {found[4]!r}")
    number = float(found[3])
    return Bound(metric, found[2] == ">", 1 + number / 100 if found[4] == "%" else number)


def interval_of(pair: Matched, metric: str) -> tuple[float, float] | None:
    """Low and high of what the bound speaks of; None where that is not known of both sides."""
    versus = pair.versus
    if metric == "latency":
        # Between two machines a ratio says which one is faster, and not which code.
        return (versus.ratio.low, versus.ratio.high) if versus.ratio and "host" not in pair.unlike else None
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
