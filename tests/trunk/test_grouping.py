"""Threshold grouping by hand-worked examples, and what holds for every likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbench.errors import DataError
from backbench.trunk.grouping import distinct, group, sweep, trivial
from backbench.trunk.similarity import averaged_likelihood

# Class 0 is taken for 2 now and then, 3 for 1; the lower triangle alone says that 4 is taken for 0.
LIKELIHOOD = np.array(
    [
        [0.70, 0.05, 0.20, 0.03, 0.02],
        [0.02, 0.80, 0.03, 0.10, 0.05],
        [0.05, 0.02, 0.90, 0.02, 0.01],
        [0.01, 0.30, 0.02, 0.65, 0.02],
        [0.40, 0.02, 0.02, 0.02, 0.54],
    ]
)


def test_the_upper_triangle_alone_decides() -> None:
    assert group(LIKELIHOOD, 0.9) == ((0, 2), (1,), (3,), (4,))  # over 0.18
    assert group(LIKELIHOOD, 0.45) == ((0, 2), (1, 3), (4,))  # over 0.09


def test_both_triangles_see_the_lower_one() -> None:
    assert group(LIKELIHOOD, 0.9, both=True) == ((0, 4), (1, 3), (2,))  # means of 0.21 and 0.20


def test_groups_are_connected_components() -> None:
    chain = np.eye(4) * 0.5
    chain[0, 3] = chain[1, 3] = 0.4
    assert group(chain, 1.0) == ((0, 1, 3), (2,))


def test_the_threshold_itself_is_no_similarity() -> None:
    exact = np.array([[0.5, 0.25], [0.25, 0.75]])
    assert group(exact, 0.5) == ((0,), (1,))
    assert group(exact, 0.499) == ((0, 1),)


def test_a_volatility_that_merges_everything_or_nothing() -> None:
    assert trivial(group(LIKELIHOOD, 1e-6))
    assert trivial(group(LIKELIHOOD, 5.0))
    assert not trivial(group(LIKELIHOOD, 0.9))


@given(st.integers(2, 8), st.integers(0, 10_000))
def test_higher_volatility_fewer_merges_and_every_grouping_is_found(n: int, seed: int) -> None:
    likelihood = np.random.default_rng(seed).dirichlet(np.ones(n), n)
    values = list(np.linspace(0.01, n, 60))
    swept = sweep(likelihood, values)
    counts = [len(swept[value]) for value in values]
    assert counts == sorted(counts)
    assert all(sorted(i for members in groups for i in members) == list(range(n)) for groups in swept.values())
    every = [groups for _, groups in distinct(likelihood)]
    assert len(every) == len(set(every))
    assert set(swept.values()) <= set(every)
    assert [group(likelihood, volatility) for volatility, _ in distinct(likelihood)] == every


def test_a_likelihood_is_square() -> None:
    with pytest.raises(ValueError, match="2 × 3"):
        group(np.zeros((2, 3)), 1.0)


def test_likelihood_is_the_mean_share_of_each_true_class() -> None:
    shares = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    found = averaged_likelihood(shares, np.array([0, 0, 1]), ("x", "y"))
    np.testing.assert_allclose(found, [[0.8, 0.2], [0.2, 0.8]])


def test_a_class_without_images_has_no_likelihood() -> None:
    with pytest.raises(DataError, match="no image of class 'y'"):
        averaged_likelihood(np.ones((2, 2)) / 2, np.array([0, 0]), ("x", "y"))
