"""Parquet and image folders: what a folder may hold, what it is called, and what a broken one says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dataset_layouts import encoded, labels, pixels, write_image_folder, write_parquet, write_parquet_folder

from backbench.data import check_dataset, load_dataset
from backbench.data.dataset import Dataset
from backbench.data.preprocessing import native_preprocessing
from backbench.errors import DataError, UsageError
from backbench.settings import Settings
from backbench.spec.choice import Choice


def load(root: Path, name: str) -> Dataset:
    settings = Settings(data_root=root)
    check_dataset(Choice(name=name), settings)
    return load_dataset(Choice(name=name), settings)


def sizes(dataset: Dataset) -> tuple[int, int, int]:
    return len(dataset.train), len(dataset.validation), len(dataset.test)


def test_a_folder_with_parquet_is_a_dataset_of_its_name(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "shapes", names=["a", "b", "c", "d"])
    dataset = load(tmp_path, "shapes")
    assert (dataset.name, dataset.title, dataset.encoding) == ("shapes", "shapes", "png")
    assert (dataset.classes, dataset.size, dataset.channels) == (("a", "b", "c", "d"), (16, 12), 3)
    assert (dataset.test.images.array() == pixels(20, 16, 12, 3, seed=2)).all()
    assert dataset.test.images.encoded(3) == encoded(pixels(20, 16, 12, 3, seed=2)[3])
    assert sizes(dataset) == (36, 4, 20)


def test_classes_without_names_are_their_numbers(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "shapes")
    assert load(tmp_path, "shapes").classes == ("0", "1", "2", "3")


def test_numbered_files_under_data_are_read_in_order(tmp_path: Path) -> None:
    images = [encoded(image) for image in pixels(20, 4, 4, 1)[..., 0]]
    write_parquet(tmp_path / "x" / "data" / "test-00000-of-00002.parquet", images[:12], labels(12).tolist())
    write_parquet(tmp_path / "x" / "data" / "test-00001-of-00002.parquet", images[12:], labels(8).tolist())
    dataset = load(tmp_path, "x")
    assert (dataset.test.images.array() == pixels(20, 4, 4, 1)).all()
    assert dataset.channels == 1


def test_a_missing_numbered_file_is_known_before_anything_runs(tmp_path: Path) -> None:
    images = [encoded(image) for image in pixels(2, 4, 4, 3)]
    for number in (0, 2):
        write_parquet(tmp_path / "x" / f"train-0000{number}-of-00004.parquet", images, [0, 1])
    with pytest.raises(DataError, match=r"2 of 4 files like train-00000-of-00004\.parquet are missing"):
        check_dataset(Choice(name="x"), Settings(data_root=tmp_path))


def test_a_single_file_of_no_part_is_test_and_nothing_is_trained_on(tmp_path: Path) -> None:
    images = [encoded(image) for image in pixels(5, 4, 4, 3)]
    write_parquet(tmp_path / "few" / "sample.parquet", images, [0, 1, 2, 0, 1])
    dataset = load(tmp_path, "few")
    assert sizes(dataset) == (0, 0, 5)
    assert dataset.provenance["parts"]["train"] == "empty: the source has none"
    assert native_preprocessing(dataset).size == (4, 4)


def test_a_validation_part_of_the_source_is_kept(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "x")
    write_parquet(tmp_path / "x" / "validation.parquet", [encoded(pixels(1, 16, 12, 3)[0])], [1])
    assert sizes(load(tmp_path, "x")) == (40, 1, 20)


def test_train_alone_gives_a_fifth_to_test(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "x")
    (tmp_path / "x" / "test.parquet").unlink()
    dataset = load(tmp_path, "x")
    assert sizes(dataset) == (29, 3, 8)
    assert "8 images of train, seed 0" in dataset.provenance["parts"]["test"]


def test_parquet_serves_cifar10_and_says_jpeg_from_the_bytes(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "jpeg" / "cifar10", "JPEG")
    write_parquet_folder(tmp_path / "png" / "cifar10", "PNG")
    jpeg, png = load(tmp_path / "jpeg", "cifar10"), load(tmp_path / "png", "cifar10")
    assert (jpeg.title, jpeg.encoding, png.title) == ("CIFAR-10 (JPEG)", "jpeg", "CIFAR-10")
    assert jpeg.checksum != png.checksum


def test_torchvisions_layout_comes_before_parquet_of_the_same_name(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "cifar10")
    (tmp_path / "cifar-10-batches-py").mkdir()
    assert load(tmp_path, "cifar10").provenance["layout"] == "parquet"
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"")
    with pytest.raises(DataError, match="cifar-10-batches-py: 5 of 6 files are missing"):
        check_dataset(Choice(name="cifar10"), Settings(data_root=tmp_path))


def test_a_folder_never_serves_emnist(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "emnist")
    write_parquet_folder(tmp_path / "emnist-bymerge47")
    with pytest.raises(DataError, match="EMNIST is not there"):
        load(tmp_path, "emnist")
    dataset = load(tmp_path, "emnist-bymerge47")
    assert (dataset.name, dataset.title) == ("emnist-bymerge47", "EMNIST (ByMerge-47)")
    assert not dataset.mirrored


def broken(tmp_path: Path, row: int, data: bytes | None, label: int | None = 0, names: list[str] | None = None) -> Path:
    images: list[bytes | None] = [encoded(image, "JPEG") for image in pixels(6, 64, 64, 3)]
    found: list[int | None] = labels(6, 2).tolist()
    images[row], found[row] = data, label
    write_parquet(tmp_path / "x" / "train.parquet", images, found, names, rows=2)
    return tmp_path


def test_a_corrupt_jpeg_is_named_by_file_and_row(tmp_path: Path) -> None:
    whole = encoded(pixels(1, 64, 64, 3)[0], "JPEG")
    with pytest.raises(DataError, match=r"train\.parquet, row 4: the image can't be decoded"):
        load(broken(tmp_path, 4, whole[: len(whole) // 2]), "x")


@pytest.mark.parametrize(
    ("data", "label", "said"),
    [
        (b"", 0, "row 3: the image can't be decoded"),
        (None, 0, "row 3: holds no image bytes"),
        (encoded(pixels(1, 64, 64, 3)[0]), None, "row 3: has no label"),
        (encoded(pixels(1, 64, 64, 3)[0]), -1, "row 3: has no label"),
        (encoded(pixels(1, 64, 64, 3)[0]), 9, "label 9 stands in a row, but only 2 classes are named"),
    ],
)
def test_a_broken_row_is_named(data: bytes | None, label: int | None, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        load(broken(tmp_path, 3, data, label, ["a", "b"]), "x")


@pytest.mark.parametrize("kept", [0, 3, 0.3, 0.9])
def test_a_truncated_parquet_file_is_named(kept: float, tmp_path: Path) -> None:
    file = write_parquet_folder(tmp_path / "x") / "test.parquet"
    data = file.read_bytes()
    file.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    with pytest.raises(DataError, match=r"test\.parquet: this is no whole Parquet file"):
        load(tmp_path, "x")


def test_other_columns_are_named(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "x").mkdir()
    pq.write_table(pa.table({"text": ["a"], "label": [0]}), tmp_path / "x" / "train.parquet")
    with pytest.raises(DataError, match="the columns are text, label; expected image"):
        load(tmp_path, "x")


def test_an_image_folder_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image_folder(tmp_path / "pets")
    monkeypatch.chdir(tmp_path)
    by_name, by_path = load(tmp_path, "pets"), load(tmp_path / "elsewhere", "./pets")
    assert by_name.checksum == by_path.checksum
    assert by_name.name == by_path.name == "pets"
    assert by_name.classes == ("cat", "dog")
    assert (by_name.test.images.array()[:12] == pixels(12, 8, 10, 3, seed=10)).all()
    assert by_name.test.labels.tolist() == [0] * 12 + [1] * 12


@pytest.mark.parametrize("parts", [("train", "val"), ("train", "test")])
def test_val_serves_as_test_where_there_is_none(parts: tuple[str, ...], tmp_path: Path) -> None:
    write_image_folder(tmp_path / "pets", parts)
    assert sizes(load(tmp_path, "pets")) == (22, 2, 24)


def test_class_folders_alone_give_a_fifth_to_test(tmp_path: Path) -> None:
    write_image_folder(tmp_path / "pets", ())
    dataset = load(tmp_path, "pets")
    assert sizes(dataset) == (18, 1, 5)
    assert np.bincount(dataset.test.labels).tolist() in ([2, 3], [3, 2])


def test_images_of_different_sizes_stay_encoded_and_want_an_input_size(tmp_path: Path) -> None:
    write_image_folder(tmp_path / "pets")
    (tmp_path / "pets" / "test" / "dog" / "big.png").write_bytes(encoded(pixels(1, 30, 40, 3)[0]))
    dataset = load(tmp_path, "pets")
    assert dataset.size is None
    assert dataset.test.images.read([24])[0].shape == (30, 40, 3)
    with pytest.raises(UsageError, match="different sizes; say one with --input"):
        native_preprocessing(dataset)


def test_a_corrupt_file_is_named(tmp_path: Path) -> None:
    file = write_image_folder(tmp_path / "pets", form="JPEG") / "train" / "dog" / "03.jpeg"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(DataError, match=r"train/dog/03\.jpeg: the image can't be decoded"):
        load(tmp_path, "pets")


def test_an_empty_class_is_known_before_anything_runs(tmp_path: Path) -> None:
    (write_image_folder(tmp_path / "pets") / "train" / "cow").mkdir()
    with pytest.raises(DataError, match="train/cow: no image is there"):
        check_dataset(Choice(name="pets"), Settings(data_root=tmp_path))


def test_parts_of_different_classes_are_refused(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "pets")
    (folder / "test" / "dog").rename(folder / "test" / "wolf")
    with pytest.raises(DataError, match="the class 'dog' is not in both train and test"):
        load(tmp_path, "pets")
