"""Mean and standard deviation of images, per channel in 0…1, exact: computed from whole numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from backbench.data.dataset import Images
from backbench.data.images import EncodedImages
from backbench.data.split import SEED

MOMENTS_FROM = 5_000  # images that they come from where the dataset is not in memory


def moments(images: Images, channels: int) -> tuple[tuple[float, ...], tuple[float, ...], int]:
    """Mean and standard deviation per channel in 0…1, from a histogram of values: exact, in any order of images.

    Of all images where they are in memory, else of at most 5,000 drawn by the seed; the third value says how many.
    Six decimals: a thousandth of a pixel's step, and the same text on every machine.
    """
    places = np.arange(len(images), dtype=np.int64)
    if isinstance(images, EncodedImages) and len(images) > MOMENTS_FROM:
        places = np.sort(np.random.RandomState(SEED).permutation(len(images))[:MOMENTS_FROM])
    counts = np.zeros((channels, 256), np.int64)
    for start in range(0, len(places), 256):
        chunk = images.read(places[start : start + 256])
        for channel in range(channels):
            values = np.concatenate([image[..., channel].reshape(-1) for image in chunk])
            counts[channel] += np.bincount(values, minlength=256)
    mean, deviation = zip(*map(moments_of, counts), strict=True)
    return mean, deviation, len(places)


def moments_of(counts: NDArray[np.int64]) -> tuple[float, float]:
    """Mean and deviation of values 0…255, told how often each stands there."""
    values = np.arange(256)
    number, total, squares = int(counts.sum()), int((counts * values).sum()), int((counts * values**2).sum())
    return round(total / number / 255, 6), round(math.sqrt(number * squares - total**2) / number / 255, 6)
