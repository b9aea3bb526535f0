"""What a network that refuses an input size would take instead: the smallest square, and the nearest sizes around.

`fits(height, width)` says whether one image of that size goes through; it is followed without computing (`tracing`).
"""

from __future__ import annotations

from collections.abc import Callable

from backbench.profiling.prediction import largest_under

Fits = Callable[[int, int], bool]
HIGHEST = 1024  # pixels; a network that takes no square up to here is wrong in another way
STEPS = (2, 4, 7, 8, 14, 16, 28, 32, 64, 128)  # multiples that patches and strides ask for


def smallest(fits: Fits) -> int | None:
    """The smallest side s for which s × s goes through; None where no power of two up to 1024 does.

    Between the last power of two that fails and the first that works every side is taken to fail up to some point;
    that point is exact for networks that only need enough pixels, and for patches that are powers of two.
    """
    side = 1
    while side <= HIGHEST and not fits(side, side):
        side *= 2
    if side > HIGHEST or side == 1:
        return side if side == 1 else None
    return side - largest_under(lambda less: fits(side - less, side - less), side // 2 - 1)


def nearest(fits: Fits, height: int, width: int) -> tuple[int, int] | None:
    """The size of the least change of both sides, among multiples of common strides and patches, that goes through."""
    candidates = {
        (side_up(height, step, up), side_up(width, step, wide)) for step in STEPS for up in (0, 1) for wide in (0, 1)
    }
    candidates |= {(max(height, width), max(height, width))}
    ordered = sorted(candidates, key=lambda size: (abs(size[0] - height) + abs(size[1] - width), size))
    return next((size for size in ordered if min(size) > 0 and fits(*size)), None)


def side_up(side: int, step: int, up: int) -> int:
    return (side // step + (up if side % step else 0)) * step
