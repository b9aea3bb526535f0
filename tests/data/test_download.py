"""`--download` through torchvision's own downloaders, from a server on this machine, and the sentence where none is."""

from __future__ import annotations

import functools
import hashlib
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from dataset_layouts import write_cifar10, write_emnist, write_fashion_mnist
from hostile_archives import HOSTILE

from backbench.data import check_dataset, download, load_dataset
from backbench.data.cifar10 import Cifar10
from backbench.data.emnist import Emnist
from backbench.data.fashion_mnist import FashionMnist
from backbench.errors import DataError, MissingDependency
from backbench.settings import Settings
from backbench.spec.choice import Choice

datasets = pytest.importorskip("torchvision.datasets", reason="torchvision is not installed")
CHOICE = Choice(name="fashion_mnist")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are no part of a test's output."""


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serves a folder on this machine for as long as the test lasts; returns its address."""
    with ExitStack() as stack:

        def start(folder: Path) -> str:
            server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(server.server_close)
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture
def served(serve: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny Fashion-MNIST that torchvision's downloader finds at its address, with its own MD5 sums."""
    tiny = write_fashion_mnist(tmp_path / "served")
    folder = tmp_path / "served" / "FashionMNIST" / "raw"
    monkeypatch.setattr(FashionMnist, "counts", tiny.counts)
    sums = [(file.name, hashlib.md5(file.read_bytes()).hexdigest()) for file in sorted(folder.iterdir())]
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [f"{serve(folder)}/"])
    monkeypatch.setattr(datasets.FashionMNIST, "resources", sums)
    return folder


def test_what_is_missing_is_downloaded_once_and_read(served: Path, tmp_path: Path) -> None:
    settings = Settings(data_root=tmp_path / "root", download=True)
    check_dataset(CHOICE, settings)
    dataset = load_dataset(CHOICE, settings)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (36, 4, 20)
    for file in served.iterdir():
        file.unlink()  # nothing is left to download
    assert load_dataset(CHOICE, settings).checksum == dataset.checksum
    assert load_dataset(CHOICE, Settings(data_root=tmp_path / "root")).checksum == dataset.checksum


def test_a_download_that_fails_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])  # nobody listens there
    with pytest.raises(DataError, match=r"Fashion-MNIST can't be downloaded .*may also be put there by hand"):
        load_dataset(CHOICE, Settings(data_root=tmp_path, download=True))


def test_a_file_with_another_sum_is_refused(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [(name, "0" * 32) for name, _ in datasets.FashionMNIST.resources]
    monkeypatch.setattr(datasets.FashionMNIST, "resources", wrong)
    with pytest.raises(DataError, match="can't be downloaded"):
        load_dataset(CHOICE, Settings(data_root=tmp_path / "root", download=True))


def test_without_torchvision_it_is_known_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"downloading Fashion-MNIST needs .* pip install 'backbench\[torch\]'"):
        check_dataset(CHOICE, Settings(data_root=tmp_path, download=True))


@pytest.mark.parametrize(("name", "options"), [("cifar10", {}), ("svhn", {}), ("emnist", {"split": "letters"})])
def test_each_name_asks_torchvision_for_its_own_layout(
    name: str, options: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens at the address; torchvision's own downloader is asked for the file."""
    asked: list[str] = []

    def refuse(url: str, *rest: Any, **options: Any) -> None:
        asked.append(url)
        raise OSError("no network")

    for module in ("svhn", "utils"):
        monkeypatch.setattr(f"torchvision.datasets.{module}.download_url", refuse)
    with pytest.raises(DataError, match="can't be downloaded"):
        load_dataset(Choice(name=name, options=options), Settings(data_root=tmp_path, download=True))
    assert len(asked) == 1
    assert {"cifar10": "cifar-10-python", "svhn": "train_32x32", "emnist": "gzip.zip"}[name] in asked[0]


def packed(folder: Path, archive: Path, prefix: str) -> str:
    """The folder's files in a tar or a zip under this prefix; its MD5 sum."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as zipped:
            for path in files:
                zipped.write(path, f"{prefix}/{path.name}")
    else:
        with tarfile.open(archive, "w:gz") as tar:
            for path in files:
                tar.add(path, f"{prefix}/{path.name}")
    return hashlib.md5(archive.read_bytes()).hexdigest()


def test_cifar10_comes_out_of_its_archive(serve: Callable[[Path], str], tmp_path: Path, monkeypatch: Any) -> None:
    tiny = write_cifar10(tmp_path / "made")
    (tmp_path / "www").mkdir()
    archive = tmp_path / "www" / "cifar-10-python.tar.gz"
    monkeypatch.setattr(
        datasets.CIFAR10, "tgz_md5", packed(tmp_path / "made" / "cifar-10-batches-py", archive, "cifar-10-batches-py")
    )
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{serve(tmp_path / 'www')}/{archive.name}")
    for name in ("sums", "images"):
        monkeypatch.setattr(Cifar10, name, getattr(tiny, name))
    found = load_dataset(Choice(name="cifar10"), Settings(data_root=tmp_path / "root", download=True))
    assert found.checksum == tiny().load(tmp_path / "made").checksum
    assert not (tmp_path / "root" / archive.name).exists()  # the archive is not kept


def test_one_split_of_emnist_comes_out_of_its_archive(
    serve: Callable[[Path], str], tmp_path: Path, monkeypatch: Any
) -> None:
    tiny = write_emnist(tmp_path / "made", "letters", zipped=True)
    (tmp_path / "www").mkdir()
    archive = tmp_path / "www" / "gzip.zip"
    monkeypatch.setattr(datasets.EMNIST, "md5", packed(tmp_path / "made" / "EMNIST" / "raw", archive, "gzip"))
    monkeypatch.setattr(datasets.EMNIST, "url", f"{serve(tmp_path / 'www')}/{archive.name}")
    monkeypatch.setattr(Emnist, "counts", tiny.counts)
    choice = Choice(name="emnist", options={"split": "letters"})
    found = load_dataset(choice, Settings(data_root=tmp_path / "root", download=True))
    assert found.checksum == tiny(split="letters").load(tmp_path / "made").checksum
    assert len(list((tmp_path / "root" / "EMNIST" / "raw").iterdir())) == 4


def test_an_archive_with_a_link_in_it_is_refused(
    serve: Callable[[Path], str], tmp_path: Path, monkeypatch: Any
) -> None:
    """Even one whose sum is right: the sum says only that it is the archive that somebody published."""
    (tmp_path / "www").mkdir()
    archive = HOSTILE["tar: a symbolic link"](tmp_path / "www" / "cifar-10-python.tar.gz")
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{serve(tmp_path / 'www')}/{archive.name}")
    with pytest.raises(DataError, match=r"is a link or a device.*refused as a whole"):
        load_dataset(Choice(name="cifar10"), Settings(data_root=tmp_path / "root", download=True))
