"""Which points are worth choosing from: none is both more accurate and faster.

A point is *dominated* only where that is clear: another one is clearly better on one axis (the intervals don't
overlap) and on the other clearly better or equal by construction (the same predictions). A point that only its
estimate puts behind the front is marked `~`: it can't be told from the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Standing = Literal["front", "~", "dominated"]


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float

    def clearly_above(self, other: Interval) -> bool:
        return self.low > other.high


@dataclass(frozen=True)
class Point:
    """`latency`: seconds, less is better; `accuracy`: a share; equal `predictions` mean equal accuracy, whatever the
    interval.
    """

    number: int
    accuracy: Interval
    latency: Interval
    predictions: str = ""


def standings(points: Sequence[Point]) -> dict[int, Standing]:
    """Point number → front, ~ or dominated."""
    return {point.number: standing(point, points) for point in points}


def standing(point: Point, points: Sequence[Point]) -> Standing:
    if not any(ahead(other, point) for other in points):
        return "front"
    return "dominated" if any(clearly_ahead(other, point) for other in points) else "~"


def ahead(other: Point, point: Point) -> bool:
    """By the estimates alone: no worse on both axes, better on one."""
    accuracy, time = other.accuracy.value - point.accuracy.value, point.latency.value - other.latency.value
    return accuracy >= 0 and time >= 0 and (accuracy > 0 or time > 0)


def clearly_ahead(other: Point, point: Point) -> bool:
    more_accurate = other.accuracy.clearly_above(point.accuracy)
    faster = point.latency.clearly_above(other.latency)
    as_accurate = bool(other.predictions) and other.predictions == point.predictions
    return faster and (more_accurate or as_accurate)
