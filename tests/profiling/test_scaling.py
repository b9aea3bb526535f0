"""Growth and limits on planted numbers."""

from __future__ import annotations

import pytest

from backbench.profiling.counted import Prediction
from backbench.profiling.scaling import (
    area_shapes,
    batch_shapes,
    limit,
    line_fit,
    memory_fit,
    needed_bytes,
    nth_area,
    power_fit,
    time_fit,
)
from backbench.profiling.swept import Point

PREDICTION = Prediction(baseline=1000, weights=100, live=50, copies=0, available=10_000)


def point(pixels: int, seconds: float, live: int, rise: int) -> Point:
    return Point(input=(1, 3, 1, pixels), live=live, macs=0, seconds=(seconds,), rise=rise)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_a_planted_power_is_found(power: float) -> None:
    found = power_fit([(x, 3 * x**power) for x in (1, 10, 100, 1000)])
    assert found is not None
    assert found.power == pytest.approx(power)
    assert found.at(50) == pytest.approx(3 * 50**power)
    assert found.spread == pytest.approx(1)


def test_a_planted_line_is_found_and_one_point_is_none() -> None:
    found = line_fit([(1, 7), (2, 9), (5, 15)])
    assert found is not None
    assert (found.start, found.slope) == pytest.approx((5, 2))
    assert line_fit([(1, 7), (1, 8)]) is None
    assert power_fit([(1, 7)]) is None


def test_points_that_were_not_run_are_left_out() -> None:
    skipped = Point(input=(1, 3, 1, 999), live=1, macs=1, reason="not run")
    points = [point(100, 1.0, 10, 20), point(200, 2.0, 20, 40), skipped]
    assert time_fit(points).power == pytest.approx(1)  # type: ignore[union-attr]
    assert memory_fit(points).slope == pytest.approx(2)  # type: ignore[union-attr]


def test_needed_bytes_follow_the_measured_line_and_never_fall_under_the_count() -> None:
    needed = needed_bytes(PREDICTION, [point(1, 1.0, 100, 350), point(2, 1.0, 200, 550)])
    assert needed(400) == 1000 + 150 + 2 * 400
    assert needed_bytes(PREDICTION, [])(400) == 1000 + 100 + 400


@pytest.mark.parametrize("available", [1500, 2000, 2001, 5555])
def test_the_first_batch_that_does_not_fit(available: int) -> None:
    found = limit(lambda step: (step, 3, 8, 8), lambda shape: 10 * shape[0], lambda live: 1000 + live, available, 4096)
    assert found.largest == ((available - 1000) // 10, 3, 8, 8)
    assert found.input[0] == found.largest[0] + 1
    assert found.bytes > available
    assert not found.capped


def test_a_limit_that_is_nowhere_near_and_one_below_everything() -> None:
    shapes = lambda step: (step, 3, 8, 8)  # noqa: E731
    far = limit(shapes, lambda shape: shape[0], float, 10**9, 64)
    assert far.capped
    assert far.input[0] == 64
    none = limit(shapes, lambda shape: shape[0], float, 0, 64)
    assert none.largest is None
    assert none.input[0] == 1


def test_shapes_of_the_sweeps() -> None:
    assert batch_shapes((1, 3, 500, 334), (1, 4)) == [(1, 3, 500, 334), (4, 3, 500, 334)]
    shapes = area_shapes((1, 3, 500, 334), (0.25, 1, 4))
    assert shapes == [(1, 3, 256, 160), (1, 3, 500, 334), (1, 3, 992, 672)]
    assert nth_area((1, 3, 1024, 2048), 3) == (1, 3, 96, 192)
