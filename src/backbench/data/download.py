"""`--download`: torchvision's own downloader, with its addresses and checksums, for the datasets that it serves.

Archives are unpacked here, file by file to the places that we name (`backbench.data.archive`). torchvision is imported
when something is downloaded, never to read what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backbench.data.archive import unpack
from backbench.errors import DataError, MissingDependency
from backbench.registry import require

Fetch = Callable[[Any, Path, dict[str, Any]], Any]


def emnist(datasets: Any, root: Path, options: dict[str, Any]) -> None:
    """One archive holds the six splits; the files of the one that is asked for stay as `.gz`, which is how they are read."""
    folder = root / "EMNIST" / "raw"
    parts = (f"{part}-{kind}" for part in ("train", "test") for kind in ("images-idx3", "labels-idx1"))
    names = [f"emnist-{options['split']}-{part}-ubyte.gz" for part in parts]
    source = datasets.EMNIST
    archived(datasets, source.url, source.md5, folder, {f"gzip/{name}": folder / name for name in names})


def cifar10(datasets: Any, root: Path, options: dict[str, Any]) -> None:
    source = datasets.CIFAR10
    files = [f"{source.base_folder}/{name}" for name, _ in (*source.train_list, *source.test_list)]
    archived(datasets, source.url, source.tgz_md5, root, {name: root / name for name in files})


def svhn(datasets: Any, root: Path, options: dict[str, Any]) -> None:
    for split in ("train", "test"):
        datasets.SVHN(root / "svhn", split=split, download=True)


def fashion_mnist(datasets: Any, root: Path, options: dict[str, Any]) -> None:
    datasets.FashionMNIST(root, download=True)


def archived(datasets: Any, url: str, md5: str, folder: Path, targets: Mapping[str, Path]) -> None:
    """Downloads the archive (where it is not there already), checks its sum, takes these members out, and deletes it."""
    name = url.rpartition("/")[2]
    datasets.utils.download_url(url, folder, filename=name, md5=md5)
    unpack(folder / name, targets)
    (folder / name).unlink()


FETCH: dict[str, Fetch] = {"cifar10": cifar10, "emnist": emnist, "fashion_mnist": fashion_mnist, "svhn": svhn}


def offered(title: str) -> None:
    """Raises MissingDependency where torchvision, which downloads, is not installed."""
    if find_spec("torchvision") is None:
        raise MissingDependency(f"downloading {title}", "torchvision", "torch")


def fetch(name: str, title: str, root: Path, options: dict[str, Any]) -> None:
    """Downloads a dataset into torchvision's layout under the data root. Raises DataError with what went wrong."""
    datasets = require(f"downloading {title}", "torchvision.datasets", "torch")
    try:
        root.mkdir(parents=True, exist_ok=True)
        FETCH[name](datasets, root, options)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong checksum is a RuntimeError
        said = " ".join(str(error).split())
        raise DataError(
            f"{root}: {title} can't be downloaded ({said}); its files may also be put there by hand"
        ) from None
