"""Student's t on logs: equal to scipy.stats, covering as often as it says, exact where a hand can tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from backbench.statistics.intervals import (
    half_width,
    latency_summary,
    positive_bounds,
    t_quantile,
    throughput_summary,
)

positive = st.floats(1e-6, 1e3)


@given(values=st.lists(positive, min_size=2, max_size=30), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_is_scipy_s(values: list[float], confidence: float) -> None:
    logs = np.log(values)
    low, high = positive_bounds(values, confidence)
    error = stats.sem(logs)
    if error > 0:
        expected = stats.t.interval(confidence, len(logs) - 1, loc=logs.mean(), scale=error)
        assert (math.log(low), math.log(high)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("n", [2, 5, 7, 30])
def test_the_interval_covers_as_often_as_it_says(n: int) -> None:
    """4,000 draws at 95 %: the count is binomial, and 5 standard deviations of it are ±1.7 points."""
    random = np.random.RandomState(n)
    draws = np.exp(random.standard_normal((4000, n)) * 0.05 + math.log(0.003))
    covered = sum(low <= 0.003 <= high for low, high in (positive_bounds(list(row)) for row in draws))
    assert 0.95 - 0.0173 < covered / 4000 < 0.95 + 0.0173


def test_a_summary_by_hand() -> None:
    found = latency_summary([[1.0, 1.0, 4.0], [2.0, 2.0], [4.0]])
    assert (found.median, found.mean, found.n_processes, found.n_calls) == (2.0, 14 / 6, 3, 6)
    # logs 0, ln 2, 2 ln 2: standard error ln 2 ÷ √3, t(2) = 4.3027
    reach = t_quantile(2, 0.975) * math.log(2) / math.sqrt(3)
    assert found.low == pytest.approx(2 * math.exp(-reach))
    assert found.half_width == pytest.approx(math.exp(reach) - 1)


def test_equal_processes_leave_no_width_and_one_process_no_interval() -> None:
    assert latency_summary([[0.5], [0.5], [0.5]]).half_width == pytest.approx(0.0, abs=1e-12)
    alone = latency_summary([[0.5]])
    assert (alone.low, alone.high, alone.half_width) == (0.0, math.inf, math.inf)
    assert half_width(0.0, 1.0) == math.inf


@pytest.mark.parametrize("samples", [[], [[]], [[0.1], []]])
def test_nothing_has_no_summary(samples: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        latency_summary(samples)


@given(values=st.lists(st.lists(positive, min_size=1, max_size=5), min_size=2, max_size=8), factor=st.floats(0.01, 100))
def test_another_unit_is_another_factor(values: list[list[float]], factor: float) -> None:
    one, other = latency_summary(values), latency_summary([[value * factor for value in row] for row in values])
    assert other.median == pytest.approx(one.median * factor)
    assert other.half_width == pytest.approx(one.half_width, rel=1e-3, abs=1e-6)


def test_throughput_is_that_of_the_best_batch() -> None:
    found = throughput_summary({1: [[0.01], [0.01]], 8: [[0.02, 0.02, 9.0], [0.02]], 16: [[0.05], [0.05]]})
    assert (found.batch, found.images_per_second, found.n_processes) == (8, pytest.approx(400.0), 2)
    assert found.low == pytest.approx(found.high)


def test_of_equal_batches_the_smaller_is_named() -> None:
    assert throughput_summary({4: [[0.04]], 2: [[0.02]]}).batch == 2
    with pytest.raises(ValueError, match="at least one batch"):
        throughput_summary({})
