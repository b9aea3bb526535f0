"""`--download`: torchvision's own downloaders, with its addresses and checksums, for the datasets that it serves.

torchvision is imported when something is downloaded, never to read what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backbench.errors import DataError, MissingDependency
from backbench.registry import require

Fetch = Callable[[Any, Path, dict[str, Any]], Any]


def emnist(datasets: Any, root: Path, options: dict[str, Any]) -> None:
    datasets.EMNIST(root, split=options["split"], download=True)


def cifar10(datasets: Any, root: Path, options: dict[str, Any]) -> None:
    datasets.CIFAR10(root, download=True)


def svhn(datasets: Any, root: Path, options: dict[str, Any]) -> None:
    for split in ("train", "test"):
        datasets.SVHN(root / "svhn", split=split, download=True)


def fashion_mnist(datasets: Any, root: Path, options: dict[str, Any]) -> None:
    datasets.FashionMNIST(root, download=True)


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
