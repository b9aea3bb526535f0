"""Welch's t on logs, against figures computed by hand."""

from __future__ import annotations

import math

import pytest

from backbench.statistics.compare import paired_ratio
from backbench.statistics.unpaired import unpaired_ratio


def test_a_known_case() -> None:
    """Logs 0, 1, 2 against 3, 5: means 1 and 4, squared errors 1/3 and 1; 1.675 degrees of freedom."""
    base = [math.exp(value) for value in (0, 1, 2)]
    new = [math.exp(value) for value in (3, 5)]
    found = unpaired_ratio(base, new)
    assert (found.estimate, found.n) == (pytest.approx(math.exp(3)), 2)
    freedom = (1 / 3 + 1) ** 2 / ((1 / 3) ** 2 / 2 + 1)
    from scipy.special import stdtr

    t = 3 / math.sqrt(4 / 3)
    assert found.p == pytest.approx(2 * stdtr(freedom, -t))
    # The bounds are where the test turns.
    for bound in (found.low, found.high):
        assert 2 * stdtr(freedom, -abs(3 - math.log(bound)) / math.sqrt(4 / 3)) == pytest.approx(0.05)


def test_one_process_says_nothing() -> None:
    found = unpaired_ratio([1.0], [2.0, 2.1])
    assert (found.estimate, found.low, found.high, found.p) == (pytest.approx(2.05, rel=0.01), 0.0, math.inf, 1.0)


def test_without_any_spread_the_ratio_is_exact() -> None:
    found = unpaired_ratio([1.0, 1.0], [2.0, 2.0])
    assert (found.low, found.estimate, found.high, found.p) == (2.0, 2.0, 2.0, 0.0)


def test_wider_than_paired_where_both_drift() -> None:
    base = {0: 1.0, 1: 1.2, 2: 1.4}
    new = {0: 2.0, 1: 2.4, 2: 2.9}
    paired, unpaired = paired_ratio(base, new), unpaired_ratio(list(base.values()), list(new.values()))
    assert paired.estimate == pytest.approx(unpaired.estimate)
    assert unpaired.high / unpaired.low > paired.high / paired.low


@pytest.mark.parametrize(("base", "new"), [([], [1.0]), ([1.0], []), ([0.0, 1.0], [1.0, 1.0])])
def test_what_has_no_ratio(base: list[float], new: list[float]) -> None:
    with pytest.raises(ValueError, match=r"process|positive"):
        unpaired_ratio(base, new)
