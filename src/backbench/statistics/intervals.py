"""Intervals over processes: Student's t on the logs of per-process medians (protocol, rule 12).

The process is the unit: calls of one process share its memory layout and its moment, so n is the number of processes.
A bootstrap over five processes covers too little; t on logs covers as stated where the logs are about normal.
`scipy.special` alone: `scipy.stats` takes half a second to import.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from statistics import fmean, median

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Summary:
    """Seconds. `median` of the processes' medians, `mean` of all calls, the interval, and its relative half-width.

    One process has no interval: low is 0, high and half_width are infinite.
    """

    median: float
    mean: float
    low: float
    high: float
    half_width: float
    n_processes: int
    n_calls: int


@dataclass(frozen=True)
class Throughput:
    """Images per second at the best batch of a sweep, with the interval over processes."""

    images_per_second: float
    batch: int
    low: float
    high: float
    half_width: float
    n_processes: int


@dataclass(frozen=True)
class LogInterval:
    """Mean and standard error of the logs of n positive numbers."""

    mean: float
    error: float
    n: int

    @classmethod
    def of(cls, logs: Sequence[float]) -> LogInterval:
        mean, n = fmean(logs), len(logs)
        if n < 2:
            return cls(mean, math.inf, n)
        # By hand: `statistics.stdev` computes in fractions, five times as long; equal numbers must give exactly zero.
        squares = math.fsum((log - mean) ** 2 for log in logs) if min(logs) < max(logs) else 0.0
        return cls(mean, math.sqrt(squares / (n - 1) / n), n)

    def bounds(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Low and high, back on the scale of the numbers."""
        if self.n < 2:
            return 0.0, math.inf
        reach = t_quantile(self.n - 1, 0.5 + confidence / 2) * self.error
        return math.exp(self.mean - reach), math.exp(self.mean + reach)


@lru_cache(maxsize=4096)
def t_quantile(freedom: int, probability: float) -> float:
    """Student's t: the value below which `probability` lies."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def half_width(low: float, high: float) -> float:
    """Relative half-width of an interval of positive numbers: 0.01 is ±1 %."""
    return math.sqrt(high / low) - 1 if low > 0 else math.inf


def latency_summary(samples: Sequence[Sequence[float]], confidence: float = CONFIDENCE) -> Summary:
    """One sequence of seconds a process. Raises ValueError where there is none, or a process without calls."""
    if not samples or not all(len(values) for values in samples):
        raise ValueError("a summary needs at least one process, each with at least one timed call")
    medians = [median(values) for values in samples]
    low, high = positive_bounds(medians, confidence)
    calls = sum(len(values) for values in samples)
    mean = math.fsum(chain.from_iterable(samples)) / calls
    return Summary(median(medians), mean, low, high, half_width(low, high), len(samples), calls)


def throughput_summary(samples: Mapping[int, Sequence[Sequence[float]]], confidence: float = CONFIDENCE) -> Throughput:
    """From batch → one sequence of seconds a process. The best batch is the one of the highest median."""
    if not samples:
        raise ValueError("a throughput needs at least one batch")
    rates = {batch: [batch / median(values) for values in processes] for batch, processes in samples.items()}
    best = max(rates, key=lambda batch: (median(rates[batch]), -batch))
    low, high = positive_bounds(rates[best], confidence)
    return Throughput(median(rates[best]), best, low, high, half_width(low, high), len(rates[best]))


def positive_bounds(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The t interval on logs; a value of zero (a clock that did not move) leaves none."""
    if min(values) <= 0:
        return 0.0, math.inf
    return LogInterval.of([math.log(value) for value in values]).bounds(confidence)
