"""Which points are worth choosing from: none is both more accurate and cheaper.

A point is *dominated* only where that is clear: another one is clearly better on one axis (the intervals don't
overlap) and on the other clearly better or equal by construction (the same predictions). A point that only its
estimate puts behind the front is marked `~`: it can't be told from the front.

Each point is held against sorted points, not against all others: ten thousand take milliseconds.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Literal

Standing = Literal["front", "~", "dominated"]


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Interval:
        """A number without noise."""
        return cls(value, value, value)


@dataclass(frozen=True)
class Point:
    """`cost`: less is better (seconds, bytes, MACs); `accuracy`: a share; equal `predictions` mean equal accuracy,
    whatever the interval.
    """

    number: int
    accuracy: Interval
    cost: Interval
    predictions: str = ""


def standings(points: Sequence[Point]) -> dict[int, Standing]:
    """Point number → front, ~ or dominated."""
    front = set(on_front(points))
    clear = set(clearly_behind(points))
    return {point.number: standing(point.number, front, clear) for point in points}


def standing(number: int, front: set[int], clear: set[int]) -> Standing:
    if number in front:
        return "front"
    return "dominated" if number in clear else "~"


def on_front(points: Sequence[Point]) -> Iterator[int]:
    """By the estimates alone: no other point is no worse on both axes and better on one."""
    best = -math.inf  # accuracy of all that is cheaper
    ordered = sorted(points, key=lambda point: point.cost.value)
    for _, equal in groupby(ordered, key=lambda point: point.cost.value):
        together = list(equal)
        top = max(point.accuracy.value for point in together)
        yield from (point.number for point in together if point.accuracy.value == top > best)
        best = max(best, top)


def clearly_behind(points: Sequence[Point]) -> Iterator[int]:
    """Points that another one beats clearly in cost, and in accuracy clearly or with the same predictions."""
    ordered = sorted(points, key=lambda point: point.cost.high)
    highs = [point.cost.high for point in ordered]
    surest = list(accumulate((point.accuracy.low for point in ordered), max))
    cheapest: dict[str, float] = {}  # predictions → the least upper bound of a cost
    for point in ordered:
        cheapest.setdefault(point.predictions, point.cost.high)
    for point in points:
        cheaper = bisect_left(highs, point.cost.low)  # so many others are clearly cheaper
        more_accurate = cheaper > 0 and surest[cheaper - 1] > point.accuracy.high
        as_accurate = bool(point.predictions) and cheapest[point.predictions] < point.cost.low
        if more_accurate or as_accurate:
            yield point.number
