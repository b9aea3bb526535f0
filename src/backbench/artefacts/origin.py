"""Where a cell's weights come from, and how they are told apart without building anything.

The identity is content: the hash of a file, of trained weights, or (published weights) their name and the version of the library that
names them. A head counts as trained where a recipe trained it, where the user gives weights with the dataset's number of classes, or where
published ImageNet weights meet ImageNet's own classes; else it is new, and no accuracy is reported.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backbench.data.dataset import Dataset
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.spec.choice import is_reference
from backbench.spec.weights_file import WeightsFile, weights_file

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Origin:
    """`file` is None where the network's own constructor makes the weights (random or published)."""

    identity: dict[str, Any]
    file: WeightsFile | None = None
    pretrained: bool = False
    trained: bool = False
    training: dict[str, Any] | None = None


def origin(cell: Cell, dataset: Dataset, settings: Settings, progress: Progress) -> Origin:
    """Trains where the cell names a recipe. Raises UsageError, WeightsError, DataError or TrainingDiverged."""
    from backbench.models.own import content_of

    made = (
        by_recipe(cell, settings, progress)
        if cell.recipe is not None
        else KINDS.get(cell.weights, by_file)(cell, dataset)
    )
    named = content_of(cell.model)
    return made if named is None else replace(made, identity={**made.identity, "options": named})


def by_recipe(cell: Cell, settings: Settings, progress: Progress) -> Origin:
    from backbench.training.store import train_cached

    assert cell.recipe is not None
    found = train_cached(
        cell.model,
        cell.dataset,
        cell.recipe,
        seed=cell.seed,
        settings=settings,
        weights=cell.weights,
        input=cell.input,
        device=cell.device,
        tell=progress,
    )
    return Origin({"sha256": found.sha256}, WeightsFile(path=found.path), trained=True, training=found.about)


def random(cell: Cell, dataset: Dataset) -> Origin:
    return Origin({"random": cell.seed})


def published(cell: Cell, dataset: Dataset) -> Origin:
    from backbench.artefacts.store import sha256
    from backbench.models.own import published_weights

    own = published_weights(cell.model)
    if own is not None:
        return Origin({"sha256": sha256(own)}, pretrained=True, trained=True)
    versions = {name: version(name) for name in ("timm", "torchvision") if find_spec(name)}
    identity = {"published": cell.model.name, **versions}
    return Origin(identity, pretrained=True, trained=dataset.classes == imagenet_classes())


def by_file(cell: Cell, dataset: Dataset) -> Origin:
    from backbench.artefacts.store import sha256

    file = weights_file(cell.weights)
    assert file is not None
    return Origin({"sha256": sha256(file.path), **file.how()}, file, trained=file.head == "kept")


KINDS: dict[str | None, Callable[[Cell, Dataset], Origin]] = {None: random, "random": random, "pretrained": published}


@cache
def imagenet_classes() -> tuple[str, ...]:
    """ImageNet-1k's synsets in the order of its labels; empty without timm, which holds them."""
    if find_spec("timm") is None:
        return ()
    from timm.data.imagenet_info import ImageNetInfo

    return tuple(ImageNetInfo().label_names())


def source_sha256(model: str) -> str | None:
    """The hash of the file that a user's `package.module:function` stands in; None for networks of a library."""
    if not is_reference(model) or model.startswith("torchvision:"):
        return None
    from backbench.models.reference import function_of

    function_of(model)  # imports the module, from the current directory as well
    file = sys.modules[model.partition(":")[0]].__file__
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else None
