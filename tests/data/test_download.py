"""`--download` through torchvision's own downloaders, from a server on this machine, and the sentence where none is."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from dataset_layouts import write_fashion_mnist

from backbench.data import check_dataset, download, load_dataset
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
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tiny Fashion-MNIST that torchvision's downloader finds at its address, with its own MD5 sums."""
    tiny = write_fashion_mnist(tmp_path / "served")
    folder = tmp_path / "served" / "FashionMNIST" / "raw"
    monkeypatch.setattr(FashionMnist, "counts", tiny.counts)
    sums = [(file.name, hashlib.md5(file.read_bytes()).hexdigest()) for file in sorted(folder.iterdir())]
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(datasets.FashionMNIST, "resources", sums)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


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
    """Nobody listens at the address; torchvision's own message says which file it was after."""
    asked: list[str] = []

    def refuse(url: str, *rest: Any, **options: Any) -> None:
        asked.append(url)
        raise OSError("no network")

    module = {"cifar10": "cifar", "svhn": "svhn", "emnist": "mnist"}[name]
    for function in ("download_and_extract_archive", "download_url"):
        monkeypatch.setattr(f"torchvision.datasets.{module}.{function}", refuse, raising=False)
    with pytest.raises(DataError, match="can't be downloaded"):
        load_dataset(Choice(name=name, options=options), Settings(data_root=tmp_path, download=True))
    assert len(asked) == 1
    assert {"cifar10": "cifar-10-python", "svhn": "train_32x32", "emnist": "gzip.zip"}[name] in asked[0]
