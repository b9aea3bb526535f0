"""A point is dominated only where the intervals are clear."""

from __future__ import annotations

import numpy as np

from backbench.report.pareto import Interval, Point, standings


def point(number: int, accuracy: float, latency: float, reach: float = 0.0, predictions: str = "") -> Point:
    return Point(
        number,
        Interval(accuracy, accuracy - reach, accuracy + reach),
        Interval(latency, latency * (1 - reach), latency * (1 + reach)),
        predictions,
    )


def test_a_trade_off_is_a_front() -> None:
    assert standings([point(1, 0.9, 1.0), point(2, 0.95, 2.0)]) == {1: "front", 2: "front"}


def test_clearly_worse_on_both_axes_is_dominated() -> None:
    assert standings([point(1, 0.9, 1.0, 0.01), point(2, 0.8, 2.0, 0.01)]) == {1: "front", 2: "dominated"}


def test_overlapping_accuracies_leave_it_open() -> None:
    assert standings([point(1, 0.90, 1.0, 0.03), point(2, 0.88, 2.0, 0.03)]) == {1: "front", 2: "~"}


def test_overlapping_latencies_leave_it_open() -> None:
    assert standings([point(1, 0.9, 1.0, 0.2), point(2, 0.1, 1.1, 0.2)]) == {1: "front", 2: "~"}


def test_the_same_predictions_and_clearly_slower_is_dominated() -> None:
    points = [point(1, 0.90, 1.0, 0.03, "same"), point(2, 0.90, 2.0, 0.03, "same")]
    assert standings(points) == {1: "front", 2: "dominated"}


def test_equal_points_are_both_on_the_front() -> None:
    assert standings([point(1, 0.9, 1.0), point(2, 0.9, 1.0)]) == {1: "front", 2: "front"}


def test_one_process_has_no_interval_and_dominates_nothing() -> None:
    open_ended = Point(1, Interval(0.9, 0.89, 0.91), Interval(1.0, 0.0, float("inf")))
    assert standings([open_ended, point(2, 0.5, 2.0, 0.01)]) == {1: "front", 2: "~"}


def test_many_points_are_ranked_as_pairs_are() -> None:
    """Against the definition, pair by pair."""
    generator = np.random.default_rng(0)
    points = [
        point(number, *generator.uniform(0.1, 1.0, 2).round(1), generator.choice([0.0, 0.02, 0.3]), str(number % 7))
        for number in range(300)
    ]
    assert standings(points) == {each.number: by_pairs(each, points) for each in points}


def by_pairs(each: Point, points: list[Point]) -> str:
    def ahead(other: Point) -> bool:
        better = other.accuracy.value - each.accuracy.value, each.cost.value - other.cost.value
        return min(better) >= 0 and max(better) > 0

    def clearly(other: Point) -> bool:
        same = other.predictions == each.predictions
        return other.cost.high < each.cost.low and (other.accuracy.low > each.accuracy.high or same)

    if not any(map(ahead, points)):
        return "front"
    return "dominated" if any(map(clearly, points)) else "~"
