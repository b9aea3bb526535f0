"""Routing that knows how sure it is: a temperature for each node, and the share below which a second child is visited.

Both are fitted on held-out images. A node's temperature minimises the negative log-likelihood of its own decision on the
images whose path passes through it (Guo et al. 2017); it changes no arg-max of one node, but makes shares of different
nodes comparable. The threshold is the one with the best held-out accuracy among those that the bound on runs allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backbench.training.batches import Pixels
from backbench.trunk.growing.shares import scores_of
from backbench.trunk.networks.routing import TrunkNetwork, visits
from backbench.trunk.recipe import SecondThoughts
from backbench.trunk.tree import ROOT, Routing, Tree

if TYPE_CHECKING:
    from backbench.trunk.networks.branch import Branch

GRID = np.exp(np.linspace(np.log(0.25), np.log(4.0), 81))


@torch.inference_mode()
def fit_temperatures(tree: Tree, network: TrunkNetwork, pixels: Pixels) -> dict[str, float]:
    """Sets each node's temperature and returns them; a node that no held-out image passes keeps 1."""
    network.cpu().eval()
    maps: dict[str, Tensor] = {}
    places: dict[str, Tensor] = {ROOT: torch.arange(len(pixels))}
    found = {}
    for name in tree.inner:
        branch: Any = network.nodes[name]
        before = whole_input(tree, pixels) if name == ROOT else maps.pop(name)
        feature, scores = in_parts(branch, before)
        wanted = decisions(tree, name, pixels.labels[places[name]])
        found[name] = best_temperature(scores, wanted)
        branch.temperature.fill_(found[name])
        for number, child in enumerate(tree.nodes[name].children):
            if not tree.nodes[child].leaf:
                rows = (wanted == number).nonzero().flatten()
                maps[child], places[child] = feature[rows], places[name][rows]
    return found


def whole_input(tree: Tree, pixels: Pixels) -> Tensor:
    images = pixels.normal(pixels[torch.arange(len(pixels))])
    return images.transpose(2, 3) if tree.input.transposed else images


def in_parts(branch: Branch, images: Tensor) -> tuple[Tensor, Tensor]:
    """Feature maps and raw scores, 500 images at once."""
    if not len(images):
        return images, images.new_zeros(0, 2)
    found = [branch.features(part) for part in images.split(500)]
    return torch.cat(found), torch.cat([branch.head(part) for part in found])


def decisions(tree: Tree, name: str, labels: Tensor) -> Tensor:
    """For each image the place of the child that its class lies below."""
    below = torch.zeros(len(tree.classes), dtype=torch.long)
    for number, child in enumerate(tree.nodes[name].children):
        below[list(tree.labels(child))] = number
    return below[labels]


def best_temperature(scores: Tensor, wanted: Tensor) -> float:
    """On a logarithmic grid from ¼ to 4."""
    if not len(wanted):
        return 1.0
    losses = [float(F.cross_entropy(scores / float(t), wanted)) for t in GRID]
    return float(GRID[int(np.argmin(losses))])


def choose_second(
    tree: Tree, network: TrunkNetwork, pixels: Pixels, how: SecondThoughts
) -> tuple[Routing, list[dict[str, float]]]:
    """The routing to keep, and what each threshold gave: held-out accuracy and child runs an image."""
    rows = []
    for threshold in sorted(how.thresholds):
        set_second(network, threshold)
        right = float((scores_of(network, pixels).argmax(1) == pixels.labels.numpy()).mean())
        rows.append({"second": threshold, "accuracy": right, "child_runs": child_runs(network, tree, pixels)})
    base = rows[0]["child_runs"]
    allowed = [row for row in rows if row["child_runs"] - base <= how.runs]
    best = max(allowed, key=lambda row: (row["accuracy"], -row["second"]))
    set_second(network, best["second"])
    return Routing(second=best["second"], width=tree.routing.width), rows


def set_second(network: TrunkNetwork, threshold: float) -> None:
    for node in network.nodes.values():
        node.second = threshold  # type: ignore[assignment]


def child_runs(network: TrunkNetwork, tree: Tree, pixels: Pixels) -> float:
    """Runs of nodes below the root, an image."""
    total = 0
    for part in torch.arange(len(pixels)).split(500):
        counted = visits(network, pixels.normal(pixels[part]))
        total += sum(count for name, count in counted.items() if name != ROOT)
    return total / len(pixels)
