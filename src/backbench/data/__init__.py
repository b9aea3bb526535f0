"""Datasets by name: built-ins from this table, any folder of Parquet files or images by its name or path.

`load_dataset` is the way in. A name is looked for in this order: the registry (torchvision's layout first, then a
folder of that name with Parquet files), a folder under the data root, a path such as `./my_images`.
"""

from __future__ import annotations

from pathlib import Path

from backbench.data.dataset import Dataset, DatasetSource
from backbench.data.files import is_path, place_of
from backbench.errors import DataError, UnknownName, UsageError
from backbench.registry import Registry
from backbench.settings import Settings
from backbench.spec.choice import Choice

REGISTRY: Registry[DatasetSource] = Registry(
    "dataset",
    {
        "cifar10": "backbench.data.cifar10:Cifar10",
        "digits": "backbench.data.digits:Digits",
        "emnist": "backbench.data.emnist:Emnist",
        "fashion_mnist": "backbench.data.fashion_mnist:FashionMnist",
        "image_folder": "backbench.data.image_folder:ImageFolder",
        "parquet": "backbench.data.parquet:Parquet",
        "random": "backbench.data.random:Random",
        "svhn": "backbench.data.svhn:Svhn",
    },
)


def load_dataset(choice: Choice, settings: Settings) -> Dataset:
    """The dataset with its three parts; decoded once and then read from the cache.

    Raises DataError where files are missing, half there or corrupt, UsageError for a name or option that is none.
    """
    from backbench.data.store import cached

    root = settings.data_root
    source = source_of(choice, root)
    source.check(root, download=settings.download)
    if settings.download:
        source.fetch(root)
    identity = source.identity(root)
    if identity is None:
        return source.load(root)
    return cached(settings.cache, {"source": type(source).__name__, **identity}, lambda: source.load(root))


def check_dataset(choice: Choice, settings: Settings) -> None:
    """The cheap check before anything runs: the name, its options, and whether the files are there."""
    source_of(choice, settings.data_root).check(settings.data_root, download=settings.download)


def source_of(choice: Choice, root: Path) -> DatasetSource:
    """The source that serves this name here. Raises UnknownName, SpecError or DataError.

    A built-in whose own layout is not there gives way to a folder of its name, unless it has options: a folder
    `emnist` would not say which split it is.
    """
    if choice.name not in REGISTRY:
        return folder_source(choice, root)
    source = REGISTRY.build(choice)
    gives_way = not type(source).model_fields and not source.stands_in(root) and holds_data(root / choice.name)
    return folder_source(choice, root) if gives_way else source


def folder_source(choice: Choice, root: Path) -> DatasetSource:
    """The folder of this name or path, as Parquet or as images."""
    folder = place_of(choice.name, root)
    if choice.options:
        raise UsageError(f"{choice}: a folder has no options (given {', '.join(choice.options)})")
    if not folder.is_dir() and not is_path(choice.name):
        here = [f"./{choice.name}"] if Path(choice.name).is_dir() else []
        raise UnknownName("dataset", choice.name, [*REGISTRY.names(), *folders(root), *here], f"data root {root}")
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder; expected Parquet files or class folders of images")
    if not any(folder.iterdir()):
        raise DataError(f"{folder}: the folder is empty; expected Parquet files or class folders of images")
    kind = "parquet" if has_parquet(folder) else "image_folder"
    return REGISTRY.build(Choice(name=kind, options={"path": choice.name}))


def folders(root: Path) -> list[str]:
    """What lies under the data root and would be a dataset by its folder's name."""
    found = sorted(place for place in root.iterdir() if place.is_dir()) if root.is_dir() else []
    return [place.name for place in found if has_parquet(place)]


def has_parquet(folder: Path) -> bool:
    return any(folder.glob("*.parquet")) or any((folder / "data").glob("*.parquet"))


def holds_data(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
