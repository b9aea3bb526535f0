"""Our method: a flat root, groups from its held-out likelihood, the whole tree trained jointly, splits by evidence.

    flat        the root with an output for each class, taught by a larger network where the recipe names one
    likelihood  its ASL on held-out images, the mean of both triangles; every volatility swept on it, nothing retrained
    trials      the distinct two-level trees that the recipe allows, each trained on the path likelihood from the flat root
    control     one network of the same layers along a path (root and child, no tree): what the same cost buys otherwise
    evidence    a tree is kept only if it beats the control on held-out images by the recipe's margin
    calibration a temperature for each node, and when to visit a second child

Nothing here reads the test part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.errors import UsageError
from backbench.models.build import build as build_model
from backbench.models.build import default_preprocessing
from backbench.models.weights import load_weights
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.statistics.accuracy import mcnemar
from backbench.training.batches import Pixels
from backbench.training.distillation import Teacher
from backbench.training.loop import train
from backbench.training.recipe import Recipe
from backbench.training.store import train_cached
from backbench.trunk.cost import costs
from backbench.trunk.family import flat, two_levels
from backbench.trunk.grouping import Groups, Likelihood, distinct, trivial
from backbench.trunk.growing.calibrate import choose_second, fit_temperatures
from backbench.trunk.growing.journal import Journal, forget
from backbench.trunk.growing.losses import loop_of
from backbench.trunk.growing.shares import scores_of, shares_of
from backbench.trunk.growing.warm import warm_start
from backbench.trunk.networks.routing import TrunkNetwork
from backbench.trunk.recipe import Joint
from backbench.trunk.similarity import averaged_likelihood
from backbench.trunk.store import WEIGHTS, build, save
from backbench.trunk.tree import Tree, tree_of

Tell = Callable[[str], None]
LIKELIHOOD, UNTRAINED = "likelihood.npy", "likelihood-untrained.npy"
LARGEST = 0.5  # of the classes may stand in one group; a chain of merges beyond that is no grouping


@dataclass(frozen=True)
class Growth:
    """Everything that growing needs."""

    dataset: Dataset
    named: Choice  # the dataset as the user named it: the teacher is found by it
    preprocessing: Preprocessing
    recipe: Joint
    seed: int
    journal: Journal
    device: str
    settings: Settings
    tell: Tell

    @property
    def images(self) -> dict[str, Any]:
        """How the images were prepared, for the tree's file."""
        return {"mean": self.preprocessing.mean, "std": self.preprocessing.std}

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.preprocessing.channels, *self.preprocessing.size)

    def held_out(self) -> Pixels:
        return Pixels(self.dataset.validation, self.preprocessing)


@dataclass(frozen=True)
class Trial:
    """A network that was tried: its tree, its weights' folder, and which held-out images it got right."""

    name: str
    tree: Tree
    groups: Groups
    right: tuple[bool, ...]
    macs: dict[str, float]

    @property
    def accuracy(self) -> float:
        return sum(self.right) / len(self.right)

    def data(self) -> dict[str, Any]:
        groups = [list(members) for members in self.groups]
        return {"name": self.name, "groups": groups, "held_out_accuracy": self.accuracy, "macs": self.macs}


def grow(run: Growth) -> tuple[Tree, TrunkNetwork]:
    """The grown tree with its weights; continues where the journal stands."""
    teacher = teacher_of(run)
    start = flat_root(run, teacher)
    likelihood = likelihood_of(run, start)
    trials = [
        tried(run, f"tree-{number}", groups, start, teacher)
        for number, groups in enumerate(candidates(run, likelihood))
    ]
    control = tried(run, "control", (), start, teacher)
    chosen = decide(run, trials, control)
    return finished(run, chosen, teacher)


def teacher_of(run: Growth) -> Teacher | None:
    """The recipe's teacher, trained or found. Raises UsageError where it wants its images otherwise."""
    asked = run.recipe.teacher
    if asked is None:
        return None
    model = Choice.parse(asked.model)
    if default_preprocessing(model, run.dataset) != run.preprocessing:
        raise UsageError(f"teacher {asked.model}: it takes its images in another way than the tree does")
    found = train_cached(
        model, run.named, asked.recipe, seed=run.seed, settings=run.settings, device=run.device,
        tell=lambda text: run.tell(f"teacher {asked.model}: {text}"),
    )  # fmt: skip
    network = build_model(
        model, num_classes=len(run.dataset.classes), in_channels=run.shape[0], input_size=run.preprocessing.size
    )
    load_weights(network, found.path)
    return Teacher(network, {"model": asked.model, "sha256": found.sha256}, asked.temperature, asked.weight)


def flat_root(run: Growth, teacher: Teacher | None) -> TrunkNetwork:
    """The root with an output for each class."""
    tree = flat(run.dataset.classes, run.shape, run.recipe.root, head=run.recipe.head, **run.images)
    torch.manual_seed(run.seed)
    network = build(tree)
    untrained = run.journal.folder / UNTRAINED
    if not untrained.exists():
        save_likelihood(run, network, untrained)
    return trained(run, "flat", tree, network, run.recipe.flat, (), teacher)


def trained(
    run: Growth, name: str, tree: Tree, network: TrunkNetwork, recipe: Recipe, groups: Groups, teacher: Teacher | None
) -> TrunkNetwork:
    """The network behind this training; found again where it is done."""
    loop = loop_of(teacher, groups, run.recipe.coarse)

    def do(place: Path) -> dict[str, Any]:
        done = train(
            network, run.dataset, run.preprocessing, recipe, seed=run.seed, folder=place, device=run.device,
            tell=lambda progress: run.tell(f"{name}: {progress}"), loop=loop,
        )  # fmt: skip
        averaged: Any = done.model
        save(place, tree, averaged)  # a tree folder of its own: the control is a backbone, too
        return {
            key: done.about[key] for key in ("validation_accuracy", "validation_images", "selected_epoch", "seconds")
        }

    run.tell(f"{name}: {len(tree.inner)} networks, {len(run.dataset.train)} images, {recipe.epochs} epochs")
    run.journal.once(name, do)
    forget(run.journal.folder / name)
    fresh = build(tree)
    load_weights(fresh, run.journal.folder / name / WEIGHTS)
    return fresh


def likelihood_of(run: Growth, network: TrunkNetwork) -> Likelihood:
    path = run.journal.folder / LIKELIHOOD
    if not path.exists():
        save_likelihood(run, network, path)
    return np.asarray(np.load(path, allow_pickle=False))


def save_likelihood(run: Growth, network: TrunkNetwork, path: Path) -> None:
    """On held-out images; every output of a flat root is a leaf's, so its shares are exact."""
    pixels = run.held_out()
    found = averaged_likelihood(open_root(network, pixels, run.device), pixels.labels.numpy(), run.dataset.classes)
    network.cpu()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, found, allow_pickle=False)


def open_root(network: TrunkNetwork, pixels: Pixels, device: str) -> Any:
    """The root's own softmax: the walk's outputs hold back what it did not choose."""
    branch: Any = network.nodes["root"]
    return shares_of(nn.Sequential(branch.features, branch.head), pixels, device)


def candidates(run: Growth, likelihood: Likelihood) -> list[Groups]:
    """Distinct groupings that the recipe allows, evenly spread from few groups to many."""
    least, most = run.recipe.groups
    every = [groups for _, groups in distinct(likelihood, both=True) if not trivial(groups)]
    allowed = [groups for groups in every if least <= len(groups) <= most]
    balanced = [groups for groups in allowed if max(map(len, groups)) <= max(2, LARGEST * len(likelihood))]
    found = balanced or allowed
    if not found:
        run.tell(f"no volatility gives {least} to {most} groups ({len(every)} groupings in all): the tree stays flat")
    wanted = min(run.recipe.candidates, len(found))
    return [found[round(place)] for place in np.linspace(0, len(found) - 1, wanted).tolist()]


def tried(run: Growth, name: str, groups: Groups, start: TrunkNetwork, teacher: Teacher | None) -> Trial:
    """One tree (or the control, which has no groups) trained from the flat root and judged on held-out images."""
    tree = tree_for(run, groups)
    torch.manual_seed(run.seed)
    network = build(tree)
    warm_start(start, tree, network)
    network = trained(run, name, tree, network, run.recipe.joint, groups, teacher)
    pixels = run.held_out()
    right = scores_of(network, pixels, run.device).argmax(1) == pixels.labels.numpy()
    found = costs(tree, network.cpu())
    macs = {"best": found.best.macs, "mean": found.mean.macs, "worst": found.worst.macs}
    return Trial(name, tree, groups, tuple(map(bool, right)), macs)


def tree_for(run: Growth, groups: Groups) -> Tree:
    recipe = run.recipe
    if not groups:
        return flat(run.dataset.classes, run.shape, (*recipe.root, *recipe.child), head=recipe.head, **run.images)
    return two_levels(run.dataset.classes, groups, run.shape, recipe.root, recipe.child, recipe.head, **run.images)


def decide(run: Growth, trials: list[Trial], control: Trial) -> Trial:
    """The best tree where the evidence is for it, else the control; written down with what it rests on."""
    best = max(trials, key=lambda trial: trial.accuracy, default=control)
    found = mcnemar(control.right, best.right)
    ahead = best is not control and best.accuracy - control.accuracy >= run.recipe.margin
    kept = best if ahead or (trials and run.recipe.require_tree) else control
    said = verdict(found.low, found.high)
    evidence = {
        "trials": [trial.data() for trial in trials],
        "control": control.data(),
        "tree_minus_control_pp": found.pp,
        "interval_pp": [found.low, found.high],
        "p": found.p,
        "verdict": said,
        "kept": kept.name,
    }
    run.journal.once("evidence", lambda place: evidence)
    run.tell(
        f"evidence: best tree {best.accuracy:.2%}, control {control.accuracy:.2%} on held-out images:"
        f" {found.pp:+.2f} pp [{found.low:.2f}, {found.high:.2f}], {said}; kept: {kept.name}"
    )
    return kept


def verdict(low: float, high: float) -> str:
    """Of the interval of tree minus control. What is kept goes by the recipe's margin; what is claimed goes by this."""
    return "the tree pays" if low > 0 else "the tree does not pay" if high < 0 else "can't tell"


def finished(run: Growth, chosen: Trial, teacher: Teacher | None) -> tuple[Tree, TrunkNetwork]:
    """The chosen tree, trained on where the recipe says so, and calibrated."""
    network = build(chosen.tree)
    load_weights(network, run.journal.folder / chosen.name / WEIGHTS)
    if run.recipe.last is not None:
        network = trained(run, "last", chosen.tree, network, run.recipe.last, chosen.groups, teacher)
    pixels = run.held_out()
    temperatures = fit_temperatures(chosen.tree, network, pixels)
    routing, rows = choose_second(chosen.tree, network, pixels, run.recipe.second)
    calibration = run.journal.once("calibration", lambda place: {"temperatures": temperatures, "second_thoughts": rows})
    about = {
        "method": "joint",
        "recipe": run.recipe.name,
        "dataset": run.dataset.name,
        "seed": run.seed,
        "evidence": run.journal.steps["evidence"],
        "calibration": calibration,
    }
    data = chosen.tree.model_dump(mode="json", exclude_defaults=True)
    return tree_of({**data, "routing": routing.model_dump(), "provenance": about}), network
