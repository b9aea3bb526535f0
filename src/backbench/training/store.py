"""Trained weights by what they were made from: asked for again, they are there; killed, they are continued.

<cache>/trained/<key>/weights.safetensors · training.json · last.safetensors (while it runs)
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backbench.data import load_dataset
from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.errors import DataError
from backbench.models import REGISTRY
from backbench.models.build import build, default_preprocessing, load_given, load_weights, save_weights
from backbench.models.own import content_of
from backbench.models.weights import sha256
from backbench.records.environment import packages, tool
from backbench.records.manifest import write_training_manifest
from backbench.records.store import write_json
from backbench.settings import Settings
from backbench.spec.cell import digest
from backbench.spec.choice import Choice
from backbench.spec.weights_file import weights_file
from backbench.training.batches import Pixels
from backbench.training.determinism import refuse_chance, repeatable
from backbench.training.evaluate import accuracy
from backbench.training.recipe import Recipe, load_recipe


@dataclass(frozen=True)
class TrainedWeights:
    """Where the weights lie, and their whole provenance."""

    path: Path
    about: dict[str, Any]

    @property
    def sha256(self) -> str:
        return str(self.about["weights_sha256"])


def train_cached(
    model: Choice,
    dataset: Choice | Dataset,
    recipe: str,
    *,
    seed: int,
    settings: Settings,
    weights: str | None = None,
    input: tuple[int, int, int, int] | None = None,
    device: str = "cpu",
    tell: Callable[[str], None] = lambda text: None,
) -> TrainedWeights:
    """The trained weights of this model, dataset, recipe and seed; trains where they are not there yet.

    Options that are left out are the defaults, so a name alone finds what a cell, which has them all, has trained.
    """
    model = REGISTRY.resolve(model) if model.name in REGISTRY else model
    images = dataset if isinstance(dataset, Dataset) else load_dataset(dataset, settings)
    how = load_recipe(recipe)
    preprocessing = default_preprocessing(model, images, input, weights=weights)
    key = {**key_of(model, images, how, seed, weights, preprocessing, settings.max_memory), **repeated(settings)}
    folder = settings.cache / "trained" / digest(key)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        about = finished(folder)
        if about is None:
            about = make(folder, key, model, images, preprocessing, how, seed, weights, device, settings, tell)
    return TrainedWeights(folder / "weights.safetensors", about)


def evaluate_on_test(trained: TrainedWeights, model: Choice, dataset: Choice, settings: Settings) -> tuple[int, int]:
    """(right, n) on the whole test part, in fp32; counted in the provenance, and read there when asked for again."""
    about = trained.about
    if "test" not in about:
        images = load_dataset(dataset, settings)
        preprocessing = Preprocessing.model_validate(about["key"]["preprocessing"])
        network = build(
            model, num_classes=len(images.classes), in_channels=preprocessing.channels, input_size=preprocessing.size
        )
        load_weights(network, trained.path)
        right = round(accuracy(network, Pixels(images.test, preprocessing)) * len(images.test))
        about["test"] = {"correct": right, "n": len(images.test)}
        about["evaluations_on_test"] += 1
        write_json(trained.path.parent / "training.json", about)
    return about["test"]["correct"], about["test"]["n"]


def make(
    folder: Path,
    key: dict[str, Any],
    model: Choice,
    images: Dataset,
    preprocessing: Preprocessing,
    recipe: Recipe,
    seed: int,
    weights: str | None,
    device: str,
    settings: Settings,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Trains, and leaves weights and provenance; the provenance last."""
    import torch

    from backbench.training.loop import train

    with repeatable(settings):
        torch.manual_seed(seed)
        network = build(
            model,
            num_classes=len(images.classes),
            in_channels=preprocessing.channels,
            input_size=preprocessing.size,
            pretrained=weights == "pretrained",
        )
        given = weights_file(weights)
        if given is not None:
            load_given(network, given)
        refuse_chance(settings, recipe, network, (preprocessing.channels, *preprocessing.size))
        trained = train(
            network, images, preprocessing, recipe,
            seed=seed, folder=folder, device=device, max_memory=settings.max_memory, tell=lambda progress:
            tell(str(progress)),
        )  # fmt: skip
    path = folder / "weights.safetensors"
    save_weights(trained.model, path)
    about = {
        "key": key,
        "weights_sha256": sha256(path),
        "recipe": recipe.model_dump(mode="json"),
        "seed": seed,
        "dataset": {"name": images.name, "title": images.title, "sha256": images.checksum},
        "tool": tool(),
        "packages": packages(),
        "evaluations_on_test": 0,
        "deterministic": settings.deterministic,
        **trained.about,
    }
    write_training_manifest(folder, about, settings)
    write_json(folder / "training.json", about)
    for name in ("last.safetensors", "best.safetensors"):
        (folder / name).unlink(missing_ok=True)
    return about


def key_of(
    model: Choice,
    images: Dataset,
    recipe: Recipe,
    seed: int,
    weights: str | None,
    preprocessing: Preprocessing,
    max_memory: int | None = None,
) -> dict[str, Any]:
    """What the weights are made from. Times and remarks of the recipe are not part of it.

    A bound on memory is: batch norm sees the micro-batches that it makes.
    """
    given, named = weights_file(weights), content_of(model)
    start: Any = weights if given is None else sha256(given.path)
    return {
        "model": model.model_dump(mode="json"),
        **({"named": named} if named else {}),  # a tree's file: its path alone would serve weights of another tree
        "dataset": images.checksum,
        "validation": len(images.validation),
        "recipe": recipe.identity(),
        "seed": seed,
        "start": None if start == "random" else start,
        **({"read": given.how()} if given and given.how() else {}),
        **({"max_memory": max_memory} if max_memory else {}),
        "preprocessing": preprocessing.model_dump(mode="json"),
    }


def repeated(settings: Settings) -> dict[str, Any]:
    """Weights that must repeat bit by bit are others than those that need not: neither serves for the other."""
    return {"deterministic": True} if settings.deterministic else {}


def finished(folder: Path) -> dict[str, Any] | None:
    """The provenance of weights that are there and are the ones that it names. Raises DataError where they are not."""
    path = folder / "training.json"
    if not path.exists():
        return None
    about: dict[str, Any] = json.loads(path.read_text())
    weights = folder / "weights.safetensors"
    if not weights.exists() or sha256(weights) != about["weights_sha256"]:
        raise DataError(f"{weights}: these are not the weights that were trained; delete {folder} to train them again")
    return about


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process trains these weights; another one that wants them waits for it."""
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
