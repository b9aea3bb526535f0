"""Datasets by name: built-ins from this table, any folder of Parquet files or images by its name or path.

`load_dataset` is the way in. A name is looked for in this order: the registry (torchvision's layout first, then a
folder of that name with Parquet files), a folder under the data root, a path such as `./my_images`.
"""

from __future__ import annotations

from backbench.data.dataset import Dataset, DatasetSource
from backbench.registry import Registry
from backbench.settings import Settings
from backbench.spec.choice import Choice

REGISTRY: Registry[DatasetSource] = Registry(
    "dataset",
    {
        "digits": "backbench.data.digits:Digits",
        "parquet": "backbench.data.parquet:Parquet",
    },
)


def load_dataset(choice: Choice, settings: Settings) -> Dataset:
    """The dataset with its three parts; decoded once and then read from the cache.

    Raises DataError where files are missing, half there or corrupt, UsageError for a name or option that is none.
    """
    return source_of(choice, settings).load(settings.data_root, download=settings.download)


def check_dataset(choice: Choice, settings: Settings) -> None:
    """The cheap check before anything runs: the name, its options and whether the files are there."""
    source_of(choice, settings).check(settings.data_root, download=settings.download)


def source_of(choice: Choice, settings: Settings) -> DatasetSource:
    """The source that serves this name here. Raises UnknownName or SpecError."""
    if choice.name in REGISTRY:
        return REGISTRY.build(choice)
    return REGISTRY.build(Choice(name="parquet", options={"path": choice.name}))
