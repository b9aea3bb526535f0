"""Which images belong to which part: drawn by a fixed seed, each class in its share.

`numpy.random.RandomState` draws: its stream is frozen by NumPy's promise (NEP 19), so that one seed means the same
images with every NumPy on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEED = 0
VALIDATION_SHARE = 0.1
VALIDATION_MOST = 5_000
TEST_SHARE = 0.2  # where a source holds no test part of its own

Indices = NDArray[np.int64]


def draw(labels: Indices, count: int, seed: int = SEED) -> tuple[Indices, Indices]:
    """(kept, drawn): places in rising order, `count` of them drawn, each class by its share (largest remainder).

    Equal arguments, equal result. A class never gives away its last image.
    """
    if not len(labels) or count <= 0:
        return np.arange(len(labels), dtype=np.int64), np.empty(0, np.int64)
    generator = np.random.RandomState(seed)
    shuffled = [generator.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    quotas = shares(np.array([len(places) for places in shuffled]), count)
    taken = [places[:quota] for places, quota in zip(shuffled, quotas, strict=True)]
    drawn = np.sort(np.concatenate(taken)).astype(np.int64)
    return np.setdiff1d(np.arange(len(labels), dtype=np.int64), drawn), drawn


def shares(sizes: Indices, count: int) -> Indices:
    """How many of `count` fall on each class: its size's share, rounded so that they sum up where classes allow it."""
    exact = sizes * (count / sizes.sum())
    quotas = np.floor(exact).astype(np.int64)
    order = np.argsort(quotas - exact, kind="stable")  # the largest remainder first
    quotas[order[: count - int(quotas.sum())]] += 1
    result: Indices = np.minimum(quotas, np.maximum(sizes - 1, 0))
    return result


def validation_count(train: int) -> int:
    """10 % of the train part, at most 5,000."""
    return min(int(train * VALIDATION_SHARE), VALIDATION_MOST)
