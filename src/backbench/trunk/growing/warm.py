"""A tree that begins as the flat root that it was split from.

The root keeps its features; a group's output begins as the mean of its classes' rows. Residual layers that keep the map's
shape begin as the identity (their last batch-norm scales by zero: Goyal et al. 2017), so a child of such layers begins
with the flat root's own scores among its classes. Other children begin at random.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from backbench.models.networks.resnet import BasicBlock
from backbench.trunk.networks.blocks import MeanLinearHead
from backbench.trunk.networks.branch import Branch
from backbench.trunk.networks.routing import TrunkNetwork
from backbench.trunk.tree import ROOT, Tree


@torch.no_grad()
def warm_start(flat: TrunkNetwork, tree: Tree, network: TrunkNetwork) -> None:
    """Sets what `network` can take over from `flat`, whose root has an output for each class in order."""
    source: Any = flat.nodes[ROOT]
    for name in tree.inner:
        branch: Any = network.nodes[name]
        added = branch.features
        if name == ROOT:
            shared = len(source.features)
            branch.features[:shared].load_state_dict(source.features.state_dict())
            added = branch.features[shared:]
        if begins_as_identity(added) and linear(source) and linear(branch):
            take_rows(source, tree, name, branch)


def begins_as_identity(layers: nn.Sequential) -> bool:
    """Whether every layer keeps the shape and can begin as the identity; makes it so."""
    if not all(isinstance(block, BasicBlock) and isinstance(block.shortcut, nn.Identity) for block in layers):
        return False
    for block in layers:
        nn.init.zeros_(block.bn2.weight)  # type: ignore[arg-type,union-attr]
    return True


def linear(branch: Branch) -> bool:
    return isinstance(branch.head, MeanLinearHead)


def take_rows(source: Branch, tree: Tree, name: str, branch: Branch) -> None:
    """Each output begins as the mean of the flat root's rows of its classes."""
    mine, theirs = branch.head.fc, source.head.fc
    for number, child in enumerate(tree.nodes[name].children):
        labels = list(tree.labels(child))
        mine.weight[number] = theirs.weight[labels].mean(0)  # type: ignore[operator,index,union-attr]
        mine.bias[number] = theirs.bias[labels].mean(0)  # type: ignore[operator,index,union-attr]
