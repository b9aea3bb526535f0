"""EMNIST, Fashion-MNIST, SVHN and CIFAR-10: what each layout hides, and what a broken file says."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from dataset_layouts import (
    labels,
    pinned,
    pixels,
    write_cifar10,
    write_emnist,
    write_fashion_mnist,
    write_idx,
    write_svhn,
)

from backbench.data.cifar10 import Cifar10
from backbench.data.emnist import CLASSES, Emnist
from backbench.data.fashion_mnist import FashionMnist
from backbench.data.idx import read_idx
from backbench.data.svhn import Svhn
from backbench.errors import DataError

SPLITS = tuple(CLASSES)


@pytest.mark.parametrize("split", SPLITS)
def test_emnist_is_turned_upright_and_counts_from_zero(split: str, tmp_path: Path) -> None:
    dataset = write_emnist(tmp_path, split)(split=split).load(tmp_path)
    count = len(CLASSES[split])
    assert (dataset.test.images.array()[..., 0] == pixels(count, 28, 28, seed=2)).all()
    assert (dataset.test.labels == labels(count, count)).all()
    assert "upright" in dataset.provenance["orientation"]
    assert dataset.name == f"emnist-{split}"
    assert not dataset.mirrored


def test_emnist_has_the_published_numbers_of_classes() -> None:
    assert {split: len(names) for split, names in CLASSES.items()} == {
        "byclass": 62, "bymerge": 47, "balanced": 47, "letters": 26, "digits": 10, "mnist": 10,
    }  # fmt: skip
    assert CLASSES["bymerge"][36:] == tuple("abdefghnqrt")


def test_gzipped_idx_is_the_same_dataset(tmp_path: Path) -> None:
    plain = write_emnist(tmp_path / "plain")().load(tmp_path / "plain")
    zipped = write_emnist(tmp_path / "zipped", zipped=True)().load(tmp_path / "zipped")
    assert plain.checksum == zipped.checksum


def test_emnist_with_another_number_of_images_is_refused(tmp_path: Path) -> None:
    write_emnist(tmp_path)
    with pytest.raises(DataError, match=r"94 \+ 47 images are there; EMNIST balanced has 112800 \+ 18800"):
        Emnist().load(tmp_path)


def test_fashion_mnist_with_another_number_of_images_is_refused(tmp_path: Path) -> None:
    write_fashion_mnist(tmp_path)
    with pytest.raises(DataError, match="Fashion-MNIST has 60000"):
        FashionMnist().load(tmp_path)


def test_half_a_download_names_the_folder_and_what_is_missing(tmp_path: Path) -> None:
    source = write_fashion_mnist(tmp_path)()
    (tmp_path / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"raw: 1 of 4 files are missing; expected t10k-labels.*--download"):
        source.check(tmp_path)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kept", [0, 3, 10, -1])
def test_a_truncated_idx_file_is_named(kept: int, zipped: bool, tmp_path: Path) -> None:
    file = write_idx(tmp_path / "x-ubyte", pixels(3, 4, 4), zipped=zipped)
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(DataError, match=file.name):
        read_idx(file, 3)


def test_idx_with_values_too_many_is_refused(tmp_path: Path) -> None:
    file = write_idx(tmp_path / "x-ubyte", pixels(3, 4, 4))
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(DataError, match="48 values are stated"):
        read_idx(file, 3)


def test_images_without_a_label_each_are_refused(tmp_path: Path) -> None:
    source = write_fashion_mnist(tmp_path, zipped=False)()
    write_idx(tmp_path / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte", labels(19))
    with pytest.raises(DataError, match="19 labels for 20 images"):
        source.load(tmp_path)


def test_a_label_that_is_no_class_is_refused_with_its_row(tmp_path: Path) -> None:
    source = write_fashion_mnist(tmp_path, zipped=False)()
    write_idx(tmp_path / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte", labels(20) + 3)
    with pytest.raises(DataError, match="row 7: label 10 is none of the 10 classes"):
        source.load(tmp_path)


def test_svhn_makes_ten_to_zero_and_puts_the_axes_right(tmp_path: Path) -> None:
    dataset = write_svhn(tmp_path)().load(tmp_path)
    assert (dataset.test.labels == labels(20)).all()
    assert (dataset.test.images.array() == pixels(20, 32, 32, 3, seed=2)).all()
    assert not dataset.mirrored


def test_svhn_may_stand_in_the_data_root(tmp_path: Path) -> None:
    source = write_svhn(tmp_path)()
    inner = source.load(tmp_path)
    for file in (tmp_path / "svhn").iterdir():
        file.rename(tmp_path / file.name)
    (tmp_path / "svhn").rmdir()
    assert source.load(tmp_path).checksum == inner.checksum


@pytest.mark.parametrize("kept", [0, 50, 200, 5_000])
def test_a_truncated_mat_file_is_named(kept: int, tmp_path: Path) -> None:
    source = write_svhn(tmp_path)()
    file = tmp_path / "svhn" / "train_32x32.mat"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"train_32x32\.mat"):
        source.load(tmp_path)


def test_svhn_with_another_number_of_images_is_refused(tmp_path: Path) -> None:
    write_svhn(tmp_path)
    with pytest.raises(DataError, match="SVHN has 73257"):
        Svhn().load(tmp_path)


def test_cifar10_reads_red_green_blue_rows(tmp_path: Path) -> None:
    dataset = write_cifar10(tmp_path)().load(tmp_path)
    assert (dataset.test.images.array()[0].transpose(2, 0, 1).reshape(-1) == pixels(20, 3072, seed=5)[0]).all()
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (90, 10, 20)
    assert (dataset.title, dataset.encoding, dataset.mirrored) == ("CIFAR-10", "raw", True)


def test_cifar10_holds_each_file_against_its_sum(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    with pytest.raises(DataError, match=r"data_batch_1: its MD5 sum is .* CIFAR-10's is c99cafc15224"):
        Cifar10().load(tmp_path)


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_a_malicious_pickle_does_nothing_even_with_the_right_sum(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    folder, target = tmp_path / "cifar-10-batches-py", tmp_path / "owned"
    (folder / "data_batch_3").write_bytes(pickle.dumps({"data": Malicious(target), "labels": []}, protocol=2))
    with pytest.raises(DataError, match=r"data_batch_3: the pickle names (posix|nt)\.mkdir"):
        pinned(folder)().load(tmp_path)
    assert not target.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02}q",
        pickle.dumps([1, 2], protocol=2),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}, protocol=2),
        pickle.dumps({"data": np.zeros((20, 3072), np.float64), "labels": [0] * 20}, protocol=2),
        pickle.dumps({"data": np.array([{}], dtype=object), "labels": []}, protocol=2),
        pickle.dumps({"data": np.zeros((20, 3072), np.uint8), "labels": [0] * 19}, protocol=2),
        pickle.dumps({"data": np.zeros((20, 3072), np.uint8), "labels": ["cat"] * 20}, protocol=2),
    ],
    ids=["empty", "truncated", "a list", "rows", "floats", "objects", "too few labels", "words as labels"],
)
def test_a_batch_of_another_content_is_named(content: bytes, tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    folder = tmp_path / "cifar-10-batches-py"
    (folder / "test_batch").write_bytes(content)
    with pytest.raises(DataError, match="test_batch"):
        pinned(folder)().load(tmp_path)
