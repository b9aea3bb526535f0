"""Wilson's interval, McNemar's test and the margin, against scipy and published values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from backbench.statistics.accuracy import Difference, mcnemar, no_worse, paired_interval, wilson


@given(n=st.integers(1, 100_000), share=st.floats(0, 1), confidence=st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson_is_scipy_s(n: int, share: float, confidence: float) -> None:
    correct = round(n * share)
    found = wilson(correct, n, confidence)
    expected: Any = stats.binomtest(correct, n).proportion_ci(confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert found.low <= found.estimate <= found.high


@pytest.mark.parametrize(("correct", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_no_share(correct: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(correct, n)


def pairs(both: int, lost: int, won: int, neither: int) -> tuple[list[bool], list[bool]]:
    base = [True] * (both + lost) + [False] * (won + neither)
    new = [True] * both + [False] * lost + [True] * won + [False] * neither
    return base, new


def test_mcnemar_by_hand() -> None:
    found = mcnemar(*pairs(80, 2, 8, 10))
    assert (found.pp, found.only_base, found.only_new, found.n) == (6.0, 2, 8, 100)
    assert found.p == pytest.approx(stats.binomtest(2, 10).pvalue)
    # Agresti and Min: cells 2.5 and 8.5 of 102; (6 ± 1.96 √(11 − 36 ÷ 102)) ÷ 102
    assert (found.low, found.high) == pytest.approx((-0.3872, 12.1519), abs=1e-3)


def test_equal_predictions_leave_a_doubt_of_their_number() -> None:
    small, large = (mcnemar(*pairs(n, 0, 0, 0)) for n in (50, 50_000))
    assert small.p == large.p == 1.0
    assert large.high < small.high < 4
    with pytest.raises(ValueError, match="same images"):
        mcnemar([True], [True, False])


@given(lost=st.integers(0, 300), won=st.integers(0, 300), rest=st.integers(1, 2000))
def test_swapping_the_two_turns_the_difference_round(lost: int, won: int, rest: int) -> None:
    one, other = mcnemar(*pairs(rest, lost, won, 0)), mcnemar(*pairs(rest, won, lost, 0))
    assert (one.pp, one.low, one.high, one.p) == pytest.approx((-other.pp, -other.high, -other.low, other.p))


def test_the_paired_interval_covers() -> None:
    """4,000 draws of 500 images, 4 % lost and 6 % won: 95 % of the intervals hold 2 points (± 5 sigma)."""
    random = np.random.RandomState(4)
    draws = random.multinomial(500, [0.04, 0.06, 0.9], size=4000)
    bounds = [paired_interval(int(lost), int(won), 500, 0.95) for lost, won, _ in draws]
    assert abs(np.mean([low <= 0.02 <= high for low, high in bounds]) - 0.95) < 0.0173


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(-0.9, 0.2, "yes"), (-1.2, 0.2, "can't tell"), (-3.0, -1.1, "no"), (0.5, 1.0, "yes")]
)
def test_no_worse_needs_an_interval_clear_of_the_margin(low: float, high: float, expected: str) -> None:
    assert no_worse(Difference(0.0, low, high, 0.9, 1, 1, 10), margin=1.0) == expected
