"""The real thing: CIFAR-10 as JPEG, EMNIST-ByMerge-47 and the ImageNet sample, where a machine has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backbench.data import load_dataset
from backbench.settings import Settings
from backbench.spec.choice import Choice

# name: title, images (train, validation, test), classes, size, channels, checksum
EXPECTED = {
    "cifar10": ("CIFAR-10 (JPEG)", (45_000, 5_000, 10_000), 10, (32, 32), 3, "dcbd85c765cc"),
    "emnist-bymerge47": ("EMNIST (ByMerge-47)", (67_576, 5_000, 4_700), 47, (28, 28), 1, "c0f82480c5d1"),
    "imagenet-sample": ("ImageNet (sample)", (0, 0, 1_000), 1_000, (256, 256), 3, "c57bb5795458"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_real_dataset_is_what_it_says(name: str, test_data: Path) -> None:
    title, counts, classes, size, channels, checksum = EXPECTED[name]
    dataset = load_dataset(Choice(name=name), Settings(data_root=test_data))
    assert dataset.title == title
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == counts
    assert (len(dataset.classes), dataset.size, dataset.channels) == (classes, size, channels)
    assert dataset.checksum.startswith(checksum)
    assert dataset.test.images.array().shape == (counts[2], *size, channels)
    assert len(np.unique(dataset.test.labels)) == classes
    stored = dataset.test.images.encoded(0)
    assert stored is not None
    assert stored.startswith(b"\x89PNG" if dataset.encoding == "png" else b"\xff\xd8")
