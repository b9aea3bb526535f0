"""Paired ratios, Holm's steps and the four verdicts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from backbench.statistics.compare import (
    Pair,
    Ratio,
    deciding_level,
    holm,
    holm_levels,
    log_ratios,
    paired_ratio,
    simultaneous,
    verdict,
)

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def rounds(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_the_ratio_is_scipy_s_paired_t_on_logs() -> None:
    random = np.random.RandomState(1)
    base, new = np.exp(random.standard_normal((2, 7)) * 0.1)
    found = paired_ratio(rounds(*base), rounds(*new))
    expected: Any = stats.ttest_rel(np.log(new), np.log(base))
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((math.exp(interval.low), math.exp(interval.high)))
    assert found.estimate == pytest.approx(stats.gmean(new / base))


def test_only_rounds_that_both_have_are_paired() -> None:
    found = paired_ratio({0: 1.0, 1: 2.0, 5: 9.0}, {1: 1.0, 0: 0.5, 7: 9.0})
    assert (found.n, found.estimate) == (2, pytest.approx(0.5))
    with pytest.raises(ValueError, match="no round in common"):
        paired_ratio({0: 1.0}, {1: 1.0})
    with pytest.raises(ValueError, match="positive"):
        paired_ratio({0: 0.0}, {0: 1.0})


def test_a_drift_of_the_machine_cancels() -> None:
    """Both get twice as slow from round to round: unpaired this is noise of ±100 %, paired it is none."""
    found = paired_ratio(rounds(1.0, 2.0, 4.0, 8.0), rounds(0.9, 1.8, 3.6, 7.2))
    assert (found.low, found.high) == (pytest.approx(0.9), pytest.approx(0.9))
    assert found.p < 1e-12


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.90, 0.97, "faster"),
        (0.90, 0.98, "can't tell"),
        (1.03, 1.20, "slower"),
        (1.02, 1.20, "can't tell"),
        (0.98, 1.02, "same"),
        (0.99, 1.01, "same"),
        (0.97, 1.01, "can't tell"),
        (0.0, math.inf, "can't tell"),
    ],
)
def test_verdicts(low: float, high: float, expected: str) -> None:
    assert verdict(Ratio(1.0, low, high, 5, 0.5)) == expected


def test_one_round_decides_nothing() -> None:
    found = paired_ratio({0: 1.0}, {0: 0.1})
    assert (found.low, found.high, found.p) == (0.0, math.inf, 1.0)
    assert verdict(found) == "can't tell"


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(p_values=probabilities, alpha=st.sampled_from([0.01, 0.05, 0.2]))
def test_levels_decide_as_the_adjusted_values_do(p_values: list[float], alpha: float) -> None:
    decided = [p <= level for p, level in zip(p_values, holm_levels(p_values, alpha), strict=True)]
    adjusted = [p <= alpha for p in holm(p_values)]
    close = [abs(p - alpha) < 1e-9 for p in holm(p_values)]
    assert all(one == other or near for one, other, near in zip(decided, adjusted, close, strict=True))


@given(p_values=probabilities)
def test_holm_keeps_the_order_and_only_raises(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= more <= 1 for p, more in zip(p_values, adjusted, strict=True))
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert [more for _, more in pairs] == sorted(adjusted)


@given(mean=st.floats(-0.2, 0.2), spread=st.floats(1e-4, 0.2), n=st.integers(2, 12))
def test_the_deciding_level_is_where_the_verdict_turns(mean: float, spread: float, n: int) -> None:
    steps = np.linspace(-1, 1, n) * spread
    found = log_ratios(dict.fromkeys(range(n), 1.0), rounds(*np.exp(mean + steps)))
    level = deciding_level(found, 0.02)
    for factor, decides in ((1.01, True), (0.99, False)):
        if level > 1e-9 and level * factor < 1:
            low, high = found.bounds(1 - level * factor)
            assert (verdict(Ratio(1.0, low, high, n, 0.0)) != "can't tell") == decides


def test_a_table_of_one_is_the_pair_alone_and_more_cells_widen() -> None:
    random = np.random.RandomState(2)
    pairs: list[Pair] = [
        (dict.fromkeys(range(7), 1.0), rounds(*np.exp(random.standard_normal(7) * 0.01 - shift)))
        for shift in (0.05, 0.5, 0.0, 0.02)
    ]
    assert simultaneous(pairs[:1]) == [paired_ratio(*pairs[0])]
    for pair, found in zip(pairs, simultaneous(pairs), strict=True):
        alone = paired_ratio(*pair)
        assert found.low <= alone.low
        assert found.high >= alone.high
    assert verdict(simultaneous(pairs)[1]) == "faster"


def test_identical_cells_are_rarely_called_different_over_a_whole_table() -> None:
    """2,000 tables of 8 cells that all equal the baseline: at most 5 % hold a false verdict (+ 5 sigma)."""
    random = np.random.RandomState(3)
    base = dict.fromkeys(range(5), 1.0)
    wrong = 0
    for _ in range(2000):
        draws = np.exp(random.standard_normal((8, 5)) * 0.1)
        table = simultaneous([(base, rounds(*row)) for row in draws])
        wrong += any(verdict(found) in ("faster", "slower") for found in table)
    assert wrong / 2000 < 0.05 + 5 * math.sqrt(0.05 * 0.95 / 2000)
