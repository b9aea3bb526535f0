"""The ratio of two cells that were not measured in the same rounds: Welch's t on the logs of per-process medians.

Wider than the paired ratio, and blind to a machine that changed between the two runs: whoever prints it says that it
is unpaired.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from backbench.statistics.compare import Ratio
from backbench.statistics.intervals import CONFIDENCE, LogInterval


def unpaired_ratio(base: Sequence[float], new: Sequence[float], confidence: float = CONFIDENCE) -> Ratio:
    """From each side's per-process medians; `n` is the smaller side's. Raises ValueError where a side is empty or not
    positive.
    """
    from scipy.special import stdtrit

    if not base or not new:
        raise ValueError("both sides need at least one process")
    if min(*base, *new) <= 0:
        raise ValueError("a ratio needs positive values")
    old, fresh = LogInterval.of([math.log(value) for value in base]), LogInterval.of([math.log(value) for value in new])
    difference, n = fresh.mean - old.mean, min(old.n, fresh.n)
    if n < 2:
        return Ratio(math.exp(difference), 0.0, math.inf, n, 1.0)
    error = math.hypot(old.error, fresh.error)
    if error == 0:
        return Ratio(math.exp(difference), math.exp(difference), math.exp(difference), n, 0.0 if difference else 1.0)
    freedom = welch_freedom(old, fresh)
    reach = float(stdtrit(freedom, 0.5 + confidence / 2)) * error
    return Ratio(
        math.exp(difference),
        math.exp(difference - reach),
        math.exp(difference + reach),
        n,
        p_of(difference / error, freedom),
    )


def welch_freedom(old: LogInterval, fresh: LogInterval) -> float:
    """Welch and Satterthwaite's degrees of freedom, from the two standard errors."""
    parts = old.error**4 / (old.n - 1) + fresh.error**4 / (fresh.n - 1)
    return (old.error**2 + fresh.error**2) ** 2 / parts


def p_of(t: float, freedom: float) -> float:
    from scipy.special import stdtr

    return 2 * float(stdtr(freedom, -abs(t)))
