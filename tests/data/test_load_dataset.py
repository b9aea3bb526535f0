"""The way in: names, options, the cache of decoded images."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dataset_layouts import write_image_folder, write_parquet_folder

from backbench.data import check_dataset, load_dataset, store
from backbench.data.dataset import Dataset
from backbench.errors import BackbenchError, DataError, SpecError, UnknownName
from backbench.settings import Settings
from backbench.spec.choice import Choice


def load(root: Path, text: str) -> Dataset:
    return load_dataset(Choice.parse(text), Settings(data_root=root))


def folder_of(cache: Path) -> Path:
    found = list((cache / "datasets").iterdir())
    assert len(found) == 1
    return found[0]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that a dataset is really decoded."""
    from backbench.data import source

    calls: list[str] = []
    original: Callable[[Any], Dataset] = source.dataset_of
    monkeypatch.setattr(source, "dataset_of", lambda stored: calls.append(stored.name) or original(stored))
    return calls


def same(first: Dataset, second: Dataset) -> bool:
    fields = ("name", "title", "classes", "channels", "size", "mean", "std", "checksum", "encoding", "provenance")
    parts = [(getattr(first, part), getattr(second, part)) for part in store.PARTS]
    return (
        all(getattr(first, field) == getattr(second, field) for field in fields)
        and all((one.images.array() == two.images.array()).all() for one, two in parts)
        and all((one.labels == two.labels).all() for one, two in parts)
        and all(one.images.encoded(0) == two.images.encoded(0) for one, two in parts)
    )


def test_the_second_opening_decodes_nothing_and_is_the_same(tmp_path: Path, decoded: list[str]) -> None:
    write_parquet_folder(tmp_path / "shapes", "JPEG")
    first, second = load(tmp_path, "shapes"), load(tmp_path, "shapes")
    assert decoded == ["shapes"]
    assert same(first, second)


def test_a_moved_folder_is_the_same_dataset_and_a_changed_one_is_not(tmp_path: Path, decoded: list[str]) -> None:
    write_parquet_folder(tmp_path / "a" / "shapes")
    load(tmp_path / "a", "shapes")
    (tmp_path / "a").rename(tmp_path / "b")
    load(tmp_path / "b", "shapes")
    assert len(decoded) == 1
    write_parquet_folder(tmp_path / "b" / "shapes", "JPEG")
    assert load(tmp_path / "b", "shapes").encoding == "jpeg"
    assert len(decoded) == 2


@pytest.mark.parametrize("name", ["train.pixels.npy", "test.labels.npy", "validation.bytes.npy", "meta.json"])
def test_a_truncated_cache_is_made_again(name: str, tmp_path: Path, cache: Path, decoded: list[str]) -> None:
    write_parquet_folder(tmp_path / "shapes")
    first = load(tmp_path, "shapes")
    file = folder_of(cache) / name
    data = file.read_bytes()
    file.unlink()  # `first` still maps the old one
    file.write_bytes(data[:-10])
    assert same(load(tmp_path, "shapes"), first)
    assert len(decoded) == 2
    load(tmp_path, "shapes")
    assert len(decoded) == 2


def test_writing_into_the_images_does_not_change_the_cache(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "shapes")
    pixels = load(tmp_path, "shapes").train.images.array()
    before = pixels.copy()
    pixels[:] = 0
    assert (load(tmp_path, "shapes").train.images.array() == before).all()


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "shapes")
    (tmp_path / "file").write_text("no folder")
    settings = Settings(data_root=tmp_path, cache=tmp_path / "file")
    assert len(load_dataset(Choice(name="shapes"), settings).test) == 20


def test_no_unfinished_folder_is_left_behind(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_parquet_folder(tmp_path / "shapes")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_part", full)
    assert len(load(tmp_path, "shapes").test) == 20
    assert list((cache / "datasets").iterdir()) == []


def test_another_process_reads_what_this_one_decoded(tmp_path: Path, cache: Path, decoded: list[str]) -> None:
    write_image_folder(tmp_path / "pets")
    dataset = load(tmp_path, "pets")
    program = (
        "import sys; from pathlib import Path; from backbench.data import load_dataset;"
        "from backbench.settings import Settings; from backbench.spec.choice import Choice;"
        "from backbench.data import image_folder; image_folder.ImageFolder.read = None;"  # decoding would fail
        "print(load_dataset(Choice(name='pets'), Settings(data_root=Path(sys.argv[1]))).checksum);"
        "assert not {'torch', 'pyarrow', 'sklearn', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == dataset.checksum


def test_a_folder_that_is_here_and_not_under_the_data_root_is_named_as_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "pets").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(BackbenchError, match=r"did you mean '\./pets'"):
        check_dataset(Choice(name="pets"), Settings(data_root=tmp_path))


def test_an_unknown_name_says_the_nearest(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "emnist-bymerge47")
    with pytest.raises(BackbenchError, match="unknown dataset 'cifar_10'; did you mean 'cifar10'"):
        check_dataset(Choice(name="cifar_10"), Settings(data_root=tmp_path))
    with pytest.raises(BackbenchError, match="did you mean 'emnist-bymerge47'"):
        check_dataset(Choice(name="emnist-bymerge"), Settings(data_root=tmp_path))
    with pytest.raises(UnknownName) as caught:
        check_dataset(Choice(name="nothing"), Settings(data_root=tmp_path))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text", ["digits:size=3", "emnist:split=bymerg", "random:n=0", "random:size=0", "random:channels=4"]
)
def test_a_wrong_option_is_known_before_anything_runs(text: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="option"):
        check_dataset(Choice.parse(text), Settings(data_root=tmp_path))


def test_an_empty_folder_and_a_missing_path_are_named(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(DataError, match=r"x: the folder is empty; expected Parquet files or class folders"):
        check_dataset(Choice(name="x"), Settings(data_root=tmp_path))
    with pytest.raises(DataError, match="there is no such folder"):
        check_dataset(Choice(name=str(tmp_path / "gone")), Settings(data_root=tmp_path))
    (tmp_path / "x" / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match="no class folder is there"):
        check_dataset(Choice(name="x"), Settings(data_root=tmp_path))


def test_a_folder_has_no_options(tmp_path: Path) -> None:
    write_parquet_folder(tmp_path / "shapes")
    with pytest.raises(BackbenchError, match="a folder has no options"):
        check_dataset(Choice.parse("shapes:split=train"), Settings(data_root=tmp_path))


def test_digits_are_real_and_need_no_files(tmp_path: Path) -> None:
    dataset = load(tmp_path, "digits")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (1295, 143, 359)
    assert (dataset.size, dataset.channels, dataset.mirrored) == ((8, 8), 1, False)
    assert dataset.train.images.array().max() == 255
    assert np.bincount(dataset.test.labels).min() >= 34


def test_random_is_any_size_and_depends_on_its_seed_only(tmp_path: Path) -> None:
    dataset = load(tmp_path, "random:size=500x334,n=3,classes=7")
    assert dataset.size == (500, 334)
    assert dataset.test.images.read([2])[0].shape == (500, 334, 3)
    again = load(tmp_path, "random:size=500x334,n=3,classes=7")
    other = load(tmp_path, "random:size=500x334,n=3,classes=7,seed=1")
    assert (dataset.test.images.array() == again.test.images.array()).all()
    assert (dataset.test.images.array() != other.test.images.array()).any()
    assert dataset.checksum == again.checksum != other.checksum


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    file = write_parquet_folder(tmp_path / "shapes") / "test.parquet"
    file.chmod(0)
    with pytest.raises(DataError, match=r"test\.parquet"):
        load(tmp_path, "shapes")


def test_a_removed_cache_is_no_harm_to_who_reads_it(tmp_path: Path, cache: Path) -> None:
    write_parquet_folder(tmp_path / "shapes")
    dataset = load(tmp_path, "shapes")
    shutil.rmtree(cache)
    assert dataset.train.images.array().sum() > 0
