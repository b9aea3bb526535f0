"""How time and memory grow with the batch and with the resolution, and where memory will run out.

Each size is run in a fresh process of its own. Time is fitted as c · pixels^k (least squares on logs): k = 1 is
proportional, less is overhead that a small size does not fill, more is attention or a cache that is left. Memory is
fitted as a line in the counted bytes alive: the counted bytes of any size are known without running it, so the size
that would not fit is found by counting, and named before anybody tries it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from backbench.profiling.counted import Prediction, Shape
from backbench.profiling.swept import Limit, Point

BATCHES = (1, 2, 4, 8)
AREAS = (0.25, 0.5, 1.0, 2.0)  # of the input's own
GRAIN = 32  # pixels that both sides of a swept resolution are multiples of
TARGET = 1.0  # seconds of timed calls at each size…
CAP = 20.0  # …and no size is run whose call is expected to take longer
HIGHEST = {"batch": 4096, "resolution": 512}  # steps of the search for the limit; of 32 pixels on the short side


@dataclass(frozen=True)
class Fit:
    """y = factor · x^power; `spread`: the largest deviation of a point from it, as a ratio over 1."""

    factor: float
    power: float
    spread: float

    def at(self, x: float) -> float:
        return float(self.factor * x**self.power)


@dataclass(frozen=True)
class Line:
    """y = start + slope · x."""

    start: float
    slope: float
    spread: float

    def at(self, x: float) -> float:
        return self.start + self.slope * x


def power_fit(points: Sequence[tuple[float, float]]) -> Fit | None:
    """Through positive points (x, y); None where fewer than two differ in x."""
    if len({x for x, _ in points}) < 2:
        return None
    logs = np.log(np.asarray(points, np.float64))
    power, start = (float(value) for value in np.polyfit(logs[:, 0], logs[:, 1], 1))
    residual = np.abs(logs[:, 1] - (start + power * logs[:, 0])).max()
    return Fit(math.exp(start), power, math.exp(float(residual)))


def line_fit(points: Sequence[tuple[float, float]]) -> Line | None:
    if len({x for x, _ in points}) < 2:
        return None
    values = np.asarray(points, np.float64)
    slope, start = (float(value) for value in np.polyfit(values[:, 0], values[:, 1], 1))
    fitted = start + slope * values[:, 0]
    return Line(start, slope, float(np.maximum(fitted / values[:, 1], values[:, 1] / fitted).max()))


def time_fit(points: Sequence[Point]) -> Fit | None:
    return power_fit([(point.pixels, median(point.seconds)) for point in points if point.seconds])


def memory_fit(points: Sequence[Point]) -> Line | None:
    """Measured rise of the peak over the counted bytes alive."""
    return line_fit([(point.live, point.rise) for point in points if point.rise])


def pixel_fit(points: Sequence[Point]) -> Line | None:
    """Measured rise of the peak over pixels."""
    return line_fit([(point.pixels, point.rise) for point in points if point.rise])


def batch_shapes(shape: Shape, batches: Sequence[int] = BATCHES) -> list[Shape]:
    return [(batch * shape[0], *shape[1:]) for batch in batches]


def area_shapes(shape: Shape, areas: Sequence[float] = AREAS) -> list[Shape]:
    """The same proportions with other areas; the input itself as it is, the others on whole multiples of 32."""
    found = [shape if area == 1 else resized(shape, area) for area in areas]
    return sorted(set(found), key=lambda each: each[2] * each[3])


def resized(shape: Shape, area: float) -> Shape:
    scale = math.sqrt(area)
    high, wide = (max(GRAIN, round(side * scale / GRAIN) * GRAIN) for side in shape[2:])
    return (shape[0], shape[1], high, wide)


def nth_area(shape: Shape, step: int) -> Shape:
    """The proportions of the input with a short side of `step` times 32 pixels."""
    high, wide = (max(GRAIN, round(side / min(shape[2:]) * step) * GRAIN) for side in shape[2:])
    return (shape[0], shape[1], high, wide)


Count = Callable[[Shape], int]


def limit(
    shapes: Callable[[int], Shape], count: Count, needed: Callable[[int], float], available: int, highest: int
) -> Limit:
    """The first of `shapes(1)`, `shapes(2)`, … whose counted bytes mean more than is available.

    `needed` turns counted bytes into the process's. Doubling, then bisection: nothing is run.
    """

    def fits(step: int) -> bool:
        return needed(count(shapes(step))) <= available

    low, high = 0, 1
    while fits(high):
        low = high
        if high >= highest:
            shape = shapes(high)
            return Limit(input=shape, largest=shape, bytes=int(needed(count(shape))), available=available, capped=True)
        high = min(2 * high, highest)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    shape = shapes(high)
    return Limit(
        input=shape,
        largest=shapes(low) if low else None,
        bytes=int(needed(count(shape))),
        available=available,
    )


def needed_bytes(prediction: Prediction, points: Sequence[Point]) -> Callable[[int], float]:
    """From counted bytes alive to a process's peak: by the measured line where there is one, never under the count."""
    fitted = memory_fit(points)
    held = prediction.baseline + prediction.weights

    def needed(live: int) -> float:
        measured = prediction.baseline + fitted.at(live) if fitted else 0.0
        return max(held + live, measured)

    return needed
