"""The sweeps, raw: one point a size, and the sizes that are predicted not to fit."""

from __future__ import annotations

from backbench.profiling.counted import Shape
from backbench.records.schema import Frozen


class Point(Frozen):
    """One size of a sweep, in a fresh process. `live` is counted, never measured; no seconds: `reason` says why."""

    input: Shape
    live: int
    macs: int
    seconds: tuple[float, ...] = ()
    rise: int | None = None
    absolute: int | None = None
    reason: str | None = None

    @property
    def pixels(self) -> int:
        return self.input[0] * self.input[2] * self.input[3]


class Limit(Frozen):
    """The first size along an axis that would not fit: predicted, never tried."""

    input: Shape
    largest: Shape | None  # the largest that fits; None: not even the smallest does
    bytes: int  # predicted of `input`
    available: int
    capped: bool = False  # the search ended here: even this one fits


class Scaling(Frozen):
    batch: tuple[Point, ...] = ()
    resolution: tuple[Point, ...] = ()
    batch_limit: Limit | None = None
    resolution_limit: Limit | None = None
