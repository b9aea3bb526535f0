"""What holds for every dataset that is registered, on tiny ones in the published layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dataset_layouts import TINY

from backbench.data import REGISTRY
from backbench.data.dataset import Dataset
from backbench.data.inputs import test_batch as batch_of_test
from backbench.data.preprocessing import native_preprocessing
from backbench.errors import DataError

PARTS = ("train", "validation", "test")


def test_every_registered_dataset_is_under_contract() -> None:
    assert set(TINY) == set(REGISTRY._builtins)


@pytest.fixture(params=sorted(TINY))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def dataset(name: str, tmp_path: Path) -> Dataset:
    return TINY[name](tmp_path).load(tmp_path)


def contents(dataset: Dataset, part: str) -> list[bytes]:
    images = getattr(dataset, part).images
    return [image.tobytes() for image in images.read(range(len(images)))]


def test_every_part_has_images_with_a_label_each(dataset: Dataset) -> None:
    for part in PARTS:
        split = getattr(dataset, part)
        assert len(split) == len(split.images) == len(split.labels) > 0
        assert split.labels.dtype == np.int64
        assert set(split.labels) <= set(range(len(dataset.classes)))


def test_images_are_uint8_of_the_size_and_channels_that_are_said(dataset: Dataset) -> None:
    assert dataset.size is not None
    for part in PARTS:
        images = getattr(dataset, part).images
        assert images.array().dtype == np.uint8
        assert images.array().shape == (len(images), *dataset.size, dataset.channels)
        assert (images.read([len(images) - 1])[0] == images.array()[-1]).all()


def test_no_image_stands_in_two_parts(dataset: Dataset) -> None:
    found = [set(contents(dataset, part)) for part in PARTS]
    assert len(set.union(*found)) == sum(map(len, found))


def test_moments_are_those_of_the_train_part(name: str, dataset: Dataset) -> None:
    scaled = dataset.train.images.array().reshape(-1, dataset.channels) / 255
    tolerance = 0.01 if name == "random" else 1e-6  # of random pixels they are known, not counted
    assert np.allclose(dataset.mean, scaled.mean(axis=0), atol=tolerance)
    assert np.allclose(dataset.std, scaled.std(axis=0), atol=tolerance)


def test_reading_twice_gives_the_same_dataset(name: str, dataset: Dataset, tmp_path: Path) -> None:
    again = TINY[name](tmp_path / "again").load(tmp_path / "again")
    assert again.checksum == dataset.checksum
    assert len(dataset.checksum) == 64
    for part in PARTS:
        assert contents(again, part) == contents(dataset, part)
        assert (getattr(again, part).labels == getattr(dataset, part).labels).all()


def test_inputs_are_distinct_and_in_seeded_order(dataset: Dataset) -> None:
    preprocessing = native_preprocessing(dataset)
    batch, labels, places = batch_of_test(dataset, preprocessing, 16, seed=3)
    assert dataset.size is not None
    assert batch.shape == (len(places), dataset.channels, *dataset.size)
    assert batch.dtype == np.float32
    assert len(set(places.tolist())) == len(places) == min(16, len(dataset.test))
    assert (labels == dataset.test.labels[places]).all()
    assert (batch_of_test(dataset, preprocessing, 16, seed=3)[2] == places).all()
    assert (batch_of_test(dataset, preprocessing, 16, seed=4)[2] != places).any()


def test_a_missing_folder_is_said_before_anything_is_read(name: str, tmp_path: Path) -> None:
    if name in ("digits", "random"):
        pytest.skip("needs no files")
    source = TINY[name](tmp_path / "full")
    with pytest.raises(DataError, match="expected"):
        source.check(tmp_path / "empty")
    source.check(tmp_path / "full")
