"""Grows a tree by a recipe into a folder: `tree.json`, `weights.safetensors`, `growth.json`, and what each step left.

Nothing is chosen on the test part; the finished tree is evaluated on it once, and the count stands in the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.data import load_dataset
from backbench.data.preprocessing import native_preprocessing
from backbench.registry import require
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.trunk.recipe import GrowRecipe, Phased, load_grow_recipe
from backbench.trunk.store import open_network, save
from backbench.trunk.tree import Tree

if TYPE_CHECKING:
    from backbench.data.dataset import Dataset
    from backbench.data.preprocessing import Preprocessing
    from backbench.trunk.growing.journal import Journal
    from backbench.trunk.networks.routing import TrunkNetwork

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Grown:
    """A finished tree and what it gets right on the test part."""

    folder: Path
    tree: Tree
    correct: int
    n: int
    about: dict[str, Any]


@dataclass(frozen=True)
class Start:
    """What both methods start from."""

    dataset: Dataset
    named: Choice
    preprocessing: Preprocessing
    recipe: GrowRecipe
    seed: int
    journal: Journal
    device: str
    settings: Settings
    tell: Tell


def grow_tree(
    dataset: Choice,
    recipe: str,
    *,
    out: Path,
    settings: Settings,
    seed: int = 0,
    device: str = "cpu",
    tell: Tell = lambda text: None,
) -> Grown:
    """The grown tree; what stands in `out` already is not done again.

    Raises UsageError, DataError (a class with no images), TrainingDiverged.
    """
    require("growing a tree", "torch", "torch")
    how = load_grow_recipe(recipe)
    begin = start(load_dataset(dataset, settings), dataset, how, seed, out, device, settings, tell)
    if not {"test"} <= begin.journal.steps.keys():
        tree, network = METHODS[how.method](begin)
        save(out, tree, network)
    tree, network = open_network(out)
    test = begin.journal.once("test", lambda place: evaluated(begin, network))
    return Grown(out, tree, test["correct"], test["n"], begin.journal.steps)


def start(
    images: Dataset,
    named: Choice,
    recipe: GrowRecipe,
    seed: int,
    out: Path,
    device: str,
    settings: Settings,
    tell: Tell,
) -> Start:
    """Data that can be grown on, and the journal of this very growth."""
    from backbench.trunk.growing.journal import Journal
    from backbench.trunk.growing.parts import refuse_empty

    refuse_empty(images)
    preprocessing = native_preprocessing(images)
    words = {"name", "description", "notes"}
    key = {
        "dataset": images.checksum,
        "recipe": recipe.model_dump(mode="json", exclude=words),
        "seed": seed,
        "preprocessing": preprocessing.model_dump(mode="json"),
    }
    return Start(images, named, preprocessing, recipe, seed, Journal(out, key), device, settings, tell)


def phased(begin: Start) -> tuple[Tree, TrunkNetwork]:
    """The published method."""
    from backbench.trunk.growing.phased import Phases, grow

    assert isinstance(begin.recipe, Phased)
    for note in begin.recipe.notes:
        begin.tell(f"recipe: {note}")
    return grow(
        Phases(begin.dataset, begin.preprocessing, begin.recipe, begin.seed, begin.journal, begin.device, begin.tell)
    )


def joint(begin: Start) -> tuple[Tree, TrunkNetwork]:
    """Ours."""
    from backbench.trunk.growing.joint import Growth, grow
    from backbench.trunk.recipe import Joint

    assert isinstance(begin.recipe, Joint)
    return grow(
        Growth(
            begin.dataset,
            begin.named,
            begin.preprocessing,
            begin.recipe,
            begin.seed,
            begin.journal,
            begin.device,
            begin.settings,
            begin.tell,
        )
    )


METHODS: dict[str, Callable[[Start], tuple[Tree, TrunkNetwork]]] = {"phased": phased, "joint": joint}


def evaluated(begin: Start, network: TrunkNetwork) -> dict[str, Any]:
    """The test part, read once."""
    from backbench.training.batches import Pixels
    from backbench.trunk.growing.shares import scores_of

    pixels = Pixels(begin.dataset.test, begin.preprocessing)
    right = int((scores_of(network, pixels).argmax(1) == pixels.labels.numpy()).sum())
    return {"correct": right, "n": len(pixels), "evaluations_on_test": 1}
