"""Regimes, outliers and tails of series whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbench.statistics.series import effective_size, levels, outliers, regime, tail


def noisy(*parts: tuple[float, int], noise: float = 0.01, seed: int = 0) -> list[float]:
    """Levels and how many calls each lasts, with lognormal noise."""
    values = np.concatenate([np.full(count, level) for level, count in parts])
    return list(values * np.exp(np.random.RandomState(seed).standard_normal(len(values)) * noise))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.001] * 100, "steady"),
        ([0.001], "steady"),
        (noisy((1.0, 300)), "steady"),
        (noisy((1.0, 60), (0.8, 240)), "warming"),
        (noisy((1.0, 60), (0.9, 60), (0.8, 240)), "warming"),
        (noisy((1.0, 200), (1.3, 100)), "slowing"),
        (noisy((1.0, 100), (1.3, 100), (1.0, 100)), "unsteady"),
        (noisy((1.0, 150), (1.01, 150), noise=0.001), "steady"),  # a change, but under the least that counts
        ([1.0] * 150 + [50.0] + [1.0] * 149, "steady"),  # one outlier is no regime
    ],
)
def test_regimes(values: list[float], expected: str) -> None:
    assert regime(values) == expected


def test_noise_alone_is_seldom_called_a_change() -> None:
    """300 series of pure noise, with a heavy tail: at most 2 % are not steady."""
    random = np.random.RandomState(5)
    series = [0.001 * (1 + random.gamma(1.0, 0.05, 400)) for _ in range(300)]
    assert sum(regime(list(values)) != "steady" for values in series) <= 6


@pytest.mark.parametrize("seed", range(20))
def test_a_step_of_twice_the_noise_is_found(seed: int) -> None:
    assert regime(noisy((1.0, 150), (1.06, 150), noise=0.03, seed=seed)) == "slowing"


def test_the_levels_are_the_parts_own() -> None:
    found = levels(noisy((1.0, 128), (2.0, 128), noise=1e-4))
    assert np.exp(found) == pytest.approx([1.0, 2.0], rel=1e-3)


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=200))
def test_any_series_has_a_regime(values: list[float]) -> None:
    assert regime(values) in ("steady", "warming", "slowing", "unsteady")
    assert effective_size(values) <= len(values) + 1e-9


def test_outliers_are_counted_by_tukey_s_fences() -> None:
    values = [float(number) for number in range(1, 101)]  # quartiles 25.75 and 75.25: fences at ±74.25 and ±148.5
    found = outliers([*values, 160.0, 300.0, -60.0, -200.0])
    assert (found.high_mild, found.high_severe, found.low_mild, found.low_severe, found.n) == (1, 1, 1, 1, 104)
    assert outliers([1.0] * 10).high_mild == 0


def test_a_tail_needs_its_number_of_calls() -> None:
    few = tail(list(np.random.RandomState(6).standard_normal(458) + 10))
    assert (few.estimate, few.bound, few.needed) == (None, None, 459)  # 0.99^n ≤ 0.01 from n = 459 on
    independent = np.random.RandomState(7).permutation(2000).astype(float)
    enough = tail(list(independent))
    assert enough.estimate == pytest.approx(1979.01)
    assert enough.bound is not None
    assert enough.estimate < enough.bound <= 1999


def test_the_bound_is_above_the_percentile_as_often_as_it_says() -> None:
    """2,000 draws of 600 calls: the 90th percentile lies under its 99 % bound (− 5 sigma)."""
    random = np.random.RandomState(8)
    bounds = [tail(list(random.random_sample(600)), 0.90).bound or 0.0 for _ in range(2000)]
    assert np.mean(np.asarray(bounds) >= 0.90) > 0.99 - 5 * math.sqrt(0.99 * 0.01 / 2000)


def test_correlated_calls_count_for_fewer() -> None:
    random = np.random.RandomState(9)
    independent = random.standard_normal(4000)
    correlated = np.empty(4000)
    correlated[0] = 0.0
    for place in range(1, 4000):
        correlated[place] = 0.8 * correlated[place - 1] + independent[place]
    assert effective_size(list(independent)) > 3500
    # ρ = 0.8: n (1 − ρ) ÷ (1 + ρ) = 444
    assert 300 < effective_size(list(correlated)) < 620
    assert tail(list(correlated[:2000])).bound is None
