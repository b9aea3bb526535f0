"""The draw of validation and test parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbench.data.split import draw, validation_count


def test_the_draw_of_seed_0_is_what_it_has_always_been() -> None:
    """Accuracies of different versions are comparable only while the same images are held back."""
    kept, drawn = draw(np.arange(40) % 4, 8)
    assert drawn.tolist() == [7, 8, 10, 13, 14, 21, 27, 32]
    assert len(kept) == 32


def test_each_class_gives_its_share() -> None:
    labels = np.repeat([0, 1, 2], [500, 300, 200])
    _, drawn = draw(labels, 100)
    assert np.bincount(labels[drawn]).tolist() == [50, 30, 20]


def test_another_seed_draws_others() -> None:
    labels = np.zeros(1000, np.int64)
    assert draw(labels, 100, seed=1)[1].tolist() != draw(labels, 100, seed=0)[1].tolist()


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), max_size=60), st.integers(0, 60), st.integers(0, 5))
def test_parts_are_disjoint_complete_and_leave_no_class_without_training(
    found: list[int], count: int, seed: int
) -> None:
    labels = np.array(found, dtype=np.int64)
    kept, drawn = draw(labels, min(count, len(found)), seed)
    assert sorted([*kept, *drawn]) == list(range(len(found)))
    assert set(labels[kept]) == set(found)
    assert len(drawn) <= count


@pytest.mark.parametrize(("train", "expected"), [(0, 0), (9, 0), (1437, 143), (50_000, 5_000), (697_932, 5_000)])
def test_validation_is_a_tenth_and_at_most_5000(train: int, expected: int) -> None:
    assert validation_count(train) == expected
