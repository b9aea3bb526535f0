"""The published method (Goel et al. 2020): class phase, ASL, threshold grouping, group phase, breadth first.

A node sees only the training images whose path passes through it, behind its ancestors, which are frozen and in
evaluation mode. Each phase keeps the epoch that is best on the held-out part, and the likelihood is taken on that part
too: the published code took the test images for both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.models.weights import load_weights, save_weights
from backbench.training.batches import Pixels
from backbench.training.loop import train
from backbench.training.recipe import Recipe
from backbench.trunk.grouping import Groups, Likelihood, group
from backbench.trunk.growing.journal import Journal, forget
from backbench.trunk.growing.parts import of_classes, of_groups
from backbench.trunk.growing.shares import shares_of
from backbench.trunk.layers import Shape, shape_behind
from backbench.trunk.layers import head as head_named
from backbench.trunk.layers import layer as layer_named
from backbench.trunk.networks.routing import TrunkNetwork
from backbench.trunk.recipe import Phased
from backbench.trunk.similarity import averaged_likelihood
from backbench.trunk.store import build
from backbench.trunk.tree import ROOT, Tree, tree_of

Tell = Callable[[str], None]
WEIGHTS, LIKELIHOOD, UNTRAINED = "weights.safetensors", "likelihood.npy", "likelihood-untrained.npy"


@dataclass
class Growing:
    """A node that is to be grown: its classes, and the feature networks that stand before it."""

    name: str
    labels: tuple[int, ...]
    before: tuple[nn.Module, ...]
    shape: Shape  # of the map that it takes
    depth: int = 1  # decisions down to its children


@dataclass(frozen=True)
class Phases:
    """Everything that growing a node needs."""

    dataset: Dataset
    preprocessing: Preprocessing
    recipe: Phased
    seed: int
    journal: Journal
    device: str
    tell: Tell
    groups: dict[str, Groups] = field(default_factory=dict)  # settled beforehand, by node (an ablation's trees)
    prefix: str = ""  # of all folders but the root's class phase, which an ablation's trees share


class BehindFrozen(nn.Module):
    """Frozen feature networks, then a node's own features and head: images in, the node's scores out."""

    def __init__(self, before: tuple[nn.Module, ...], features: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.before = nn.ModuleList(before)
        for parameter in self.before.parameters():
            parameter.requires_grad_(False)
        self.features, self.head = features, head

    def train(self, mode: bool = True) -> BehindFrozen:
        super().train(mode)
        self.before.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            for features in self.before:
                x = features(x)
        return self.head(self.features(x))  # type: ignore[no-any-return]


def grow(run: Phases) -> tuple[Tree, TrunkNetwork]:
    """The grown tree with its weights; continues where the journal stands."""
    nodes: dict[str, Any] = {}
    networks: dict[str, BehindFrozen] = {}
    queue = [Growing(ROOT, tuple(range(len(run.dataset.classes))), (), shape_of(run))]
    for node in queue:
        groups, network = grow_node(run, node)
        networks[node.name] = network
        features = (*network.before, network.features)
        behind = shape_behind(layers(run, node.name), node.shape)
        nodes[node.name] = described(run, node, groups)
        for number, members in enumerate(groups):
            name = child_name(node.name, number)
            if len(members) == 1:
                nodes[name] = {"label": node.labels[members[0]]}
            else:
                labels = tuple(node.labels[member] for member in members)
                queue.append(Growing(name, labels, features, behind, node.depth + 1))
    return assembled(run, nodes, networks)


def grow_node(run: Phases, node: Growing) -> tuple[Groups, BehindFrozen]:
    """Both phases of a node: its groups (places among its classes) and its network."""
    phases = run.recipe.phases(node.name)
    classes = tuple((place,) for place in range(len(node.labels)))
    part = of_classes(run.dataset, node.labels)
    network = phase(run, node, f"{place_of(run, node)}/classes", part, phases.classes)
    likelihood = likelihood_of(run, node, network, part)
    groups = run.groups.get(node.name) or cut(run, node, likelihood)
    if groups == classes:
        return groups, network
    merged = tuple(tuple(node.labels[member] for member in members) for members in groups)
    return groups, phase(run, node, f"{run.prefix}{node.name}/groups", of_groups(run.dataset, merged), phases.groups)


def cut(run: Phases, node: Growing, likelihood: Likelihood) -> Groups:
    """The node's groups; flat where everything merges, where nothing does, and at the greatest depth."""
    volatility, count = run.recipe.phases(node.name).volatility, len(node.labels)
    found = group(likelihood, volatility)
    single = tuple((place,) for place in range(count))
    if len(found) == 1 and count > 1:
        run.tell(
            f"{node.name}: volatility {volatility:g} merges all {count} classes into one group: the node stays flat"
        )
        return single
    if found == single:
        run.tell(f"{node.name}: volatility {volatility:g} merges no two of {count} classes: the node stays flat")
    return single if run.recipe.depth is not None and node.depth >= run.recipe.depth else found


def phase(run: Phases, node: Growing, name: str, part: Dataset, recipe: Recipe) -> BehindFrozen:
    """One training; found again where it is done."""
    torch.manual_seed(run.seed)
    network = new_network(run, node, len(part.classes))

    def do(place: Path) -> dict[str, Any]:
        done = train(
            network, part, run.preprocessing, recipe, seed=run.seed, folder=place, device=run.device,
            tell=lambda progress: run.tell(f"{name}: {progress}"),
        )  # fmt: skip
        save_weights(done.model, place / WEIGHTS)
        return {
            key: done.about[key] for key in ("validation_accuracy", "validation_images", "selected_epoch", "seconds")
        }

    run.tell(f"{name}: {len(part.classes)} outputs, {len(part.train)} images")
    run.journal.once(name, do)
    forget(run.journal.folder / name)
    trained = new_network(run, node, len(part.classes))
    load_weights(trained, run.journal.folder / name / WEIGHTS)
    return trained.eval()


def new_network(run: Phases, node: Growing, outputs: int) -> BehindFrozen:
    shape, built = node.shape, []
    for text in layers(run, node.name):
        built.append(layer_named(text).build(shape))
        shape = layer_named(text).after(shape)
    head = head_named(run.recipe.head).build(shape, outputs)
    return BehindFrozen(node.before, nn.Sequential(*built), head)


def likelihood_of(run: Phases, node: Growing, network: BehindFrozen, part: Dataset) -> Likelihood:
    """The node's ASL on the held-out part, kept beside its weights."""
    path = run.journal.folder / place_of(run, node) / LIKELIHOOD
    if not path.exists():
        save_likelihood(run, network, part, path)
    if node.name == ROOT and not path.with_name(UNTRAINED).exists():
        torch.manual_seed(run.seed)
        save_likelihood(run, new_network(run, node, len(part.classes)), part, path.with_name(UNTRAINED))
    return np.asarray(np.load(path, allow_pickle=False))


def save_likelihood(run: Phases, network: BehindFrozen, part: Dataset, path: Path) -> None:
    pixels = Pixels(part.validation, run.preprocessing)
    found = averaged_likelihood(shares_of(network, pixels, run.device), pixels.labels.numpy(), part.classes)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, found, allow_pickle=False)
    network.cpu()


def root_likelihood(run: Phases) -> Likelihood:
    """Trains the root's class phase where that is not done, and gives its likelihood."""
    root = Growing(ROOT, tuple(range(len(run.dataset.classes))), (), shape_of(run))
    part = of_classes(run.dataset, root.labels)
    network = phase(run, root, f"{ROOT}/classes", part, run.recipe.phases(ROOT).classes)
    return likelihood_of(run, root, network, part)


def place_of(run: Phases, node: Growing) -> str:
    return node.name if node.name == ROOT else f"{run.prefix}{node.name}"


def layers(run: Phases, name: str) -> tuple[str, ...]:
    return run.recipe.root if name == ROOT else run.recipe.child


def shape_of(run: Phases) -> Shape:
    return (run.preprocessing.channels, *run.preprocessing.size)


def described(run: Phases, node: Growing, groups: Groups) -> dict[str, Any]:
    children = [child_name(node.name, number) for number in range(len(groups))]
    return {"children": children, "features": layers(run, node.name), "head": run.recipe.head}


def child_name(parent: str, number: int) -> str:
    return f"n{number}" if parent == ROOT else f"{parent}-{number}"


def assembled(run: Phases, nodes: dict[str, Any], networks: dict[str, BehindFrozen]) -> tuple[Tree, TrunkNetwork]:
    """One routing network from the nodes' own."""
    preprocessing = run.preprocessing
    inputs = {"shape": shape_of(run), "mean": preprocessing.mean, "std": preprocessing.std}
    about = {"method": "phased", "recipe": run.recipe.name, "dataset": run.dataset.name, "seed": run.seed}
    tree = tree_of({"classes": run.dataset.classes, "input": inputs, "nodes": nodes, "provenance": about})
    whole = build(tree)
    for name, network in networks.items():
        branch: Any = whole.nodes[name]
        branch.features.load_state_dict(network.features.state_dict())
        branch.head.load_state_dict(network.head.state_dict())
    return tree, whole
