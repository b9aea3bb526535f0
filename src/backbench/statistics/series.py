"""One process's latency series: is it steady, what lies far out, how far into the tail does it carry (rules 9, 11, 12).

Change points: the series becomes at most 64 medians of neighbouring calls (single outliers don't make a regime);
optimal partitioning of their logs with a squared-error cost (PELT's problem, solved exactly: 64 points need no
pruning) and a penalty of 5 σ² ln n a change, σ from the median absolute difference of neighbours. Neighbouring
segments within 2 % are one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Regime = Literal["steady", "warming", "slowing", "unsteady"]
BLOCKS = 64
SMALLEST = 0.02  # the minimum effect of a comparison: a smaller step decides nothing
MAD_TO_SIGMA = 1.4826  # of a normal distribution
SHORTEST = 3  # blocks a segment must have
PENALTY = (
    5  # of 500 series of pure noise 3 calls 4 % not steady, 5 under 1 %; a step of the noise's size is found by both
)


def regime(values: Sequence[float]) -> Regime:
    """How the level moves: never (steady), only down (warming), only up (slowing), or both ways (unsteady)."""
    steps = np.diff(levels(values))
    if steps.size == 0:
        return "steady"
    if np.all(steps < 0):
        return "warming"
    return "slowing" if np.all(steps > 0) else "unsteady"


def levels(values: Sequence[float]) -> list[float]:
    """The log level of each segment, neighbours within 2 % joined."""
    points = blocks(values)
    if len(points) < 2 * SHORTEST:
        return [float(np.median(points))]
    edges = segments(points)
    joined = [edges[0]]
    for start, end in edges[1:]:
        before = points[slice(*joined[-1])].mean()
        if abs(points[start:end].mean() - before) <= math.log1p(SMALLEST):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return [float(points[start:end].mean()) for start, end in joined]


def blocks(values: Sequence[float]) -> NDArray[np.float64]:
    """Logs of the medians of at most 64 stretches of the series."""
    series = np.maximum(np.asarray(values, np.float64), 1e-12)
    return np.log([np.median(part) for part in np.array_split(series, min(BLOCKS, len(series)))])


def segments(points: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Start and end of each segment of the partition of least cost; each has at least 3 points."""
    n = len(points)
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(np.diff(points)))) / math.sqrt(2)
    penalty = PENALTY * math.log(n) * max(sigma * sigma, 1e-12)
    moved = points - points[0]
    sums, squares = (np.concatenate([[0.0], np.cumsum(part)]) for part in (moved, moved**2))
    best, previous = np.full(n + 1, np.inf), np.zeros(n + 1, int)
    best[0] = -penalty
    for end in range(SHORTEST, n + 1):
        start = np.arange(0, end - SHORTEST + 1)
        spread = squares[end] - squares[start] - (sums[end] - sums[start]) ** 2 / (end - start)
        cost = best[start] + spread + penalty
        previous[end] = int(np.argmin(cost))
        best[end] = cost[previous[end]]
    return list(reversed(walk_back(previous)))


def walk_back(previous: NDArray[np.int_]) -> list[tuple[int, int]]:
    found, end = [], len(previous) - 1
    while end > 0:
        found.append((int(previous[end]), end))
        end = int(previous[end])
    return found


@dataclass(frozen=True)
class Outliers:
    """How many calls lie outside Tukey's fences: 1.5 (mild) and 3 (severe) interquartile ranges. None is dropped."""

    low_severe: int
    low_mild: int
    high_mild: int
    high_severe: int
    n: int


def outliers(values: Sequence[float]) -> Outliers:
    series = np.asarray(values, np.float64)
    first, third = np.quantile(series, [0.25, 0.75])
    width = third - first
    low_severe, high_severe = int((series < first - 3 * width).sum()), int((series > third + 3 * width).sum())
    low, high = int((series < first - 1.5 * width).sum()), int((series > third + 1.5 * width).sum())
    return Outliers(low_severe, low - low_severe, high - high_severe, high_severe, len(series))


@dataclass(frozen=True)
class Tail:
    """A percentile of one process's calls. `bound` is above it with the stated confidence; both None: n too small."""

    estimate: float | None
    bound: float | None
    n: int
    needed: int  # independent calls that this percentile needs


def tail(values: Sequence[float], share: float = 0.99, confidence: float = 0.99) -> Tail:
    """The percentile and its order-statistic bound, from as many calls as autocorrelation leaves independent.

    The k-th smallest of n is above the quantile with probability P(Binomial(n, share) < k); the smallest k that
    reaches the confidence is taken, and where n calls reach it with no k, nothing is said.
    """
    from scipy.special import bdtr

    series = np.sort(np.asarray(values, np.float64))
    needed = math.ceil(math.log(1 - confidence) / math.log(share))
    n = math.floor(effective_size(values))
    if n < needed:
        return Tail(None, None, len(series), needed)
    counts = np.arange(math.floor(n * share), n + 1)
    rank = int(counts[np.argmax(bdtr(counts - 1, n, share) >= confidence)])
    place = math.ceil(rank / n * len(series)) - 1
    return Tail(float(np.quantile(series, share)), float(series[place]), len(series), needed)


def effective_size(values: Sequence[float]) -> float:
    """Independent calls that carry as much as this series: n ÷ (1 + 2 Σ ρ), summed while ρ is positive.

    Of ranks, so that one outlier does not hide the correlation of the others.
    """
    n = len(values)
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
    ranks -= ranks.mean()
    power = float(ranks @ ranks)
    if n < 4 or power == 0 or len(set(values)) == 1:
        return float(n)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(ranks, size)
    correlation = np.fft.irfft(spectrum * spectrum.conj(), size)[1 : n // 2] / power
    # Noise about zero is no correlation: the sum ends at the first lag within its standard error.
    ends = np.flatnonzero(correlation < 2 / math.sqrt(n))
    total = float(correlation[: ends[0] if ends.size else len(correlation)].sum())
    return n / (1 + 2 * total)
