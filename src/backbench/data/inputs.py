"""Real inputs for the gate, calibration and timing: distinct images in an order that the seed fixes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backbench.data.dataset import Dataset, Split
from backbench.data.preprocessing import Preprocessing

Batch = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


def test_batch(dataset: Dataset, preprocessing: Preprocessing, n: int, seed: int) -> Batch:
    """(float32 N × C × H × W, labels, places in test) of `n` distinct test images, or of all where there are fewer."""
    return batch(dataset.test, preprocessing, n, seed)


def batch(split: Split, preprocessing: Preprocessing, n: int, seed: int) -> Batch:
    """The same of any part: calibration takes `dataset.train`, and writes the places down."""
    places = np.random.RandomState(seed).permutation(len(split))[:n].astype(np.int64)
    if not len(places):
        empty = np.empty((0, preprocessing.channels, *preprocessing.size), np.float32)
        return empty, split.labels[places], places
    return preprocessing(split.images.read(places)), split.labels[places], places
