"""Routing networks that send images different ways, and images to send."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backbench.trunk.networks.routing import TrunkNetwork
from backbench.trunk.store import build
from backbench.trunk.tree import Tree


def network(tree: Tree, seed: int = 0) -> TrunkNetwork:
    """Random weights whose batch-norms have seen images, so that images differ in their paths."""
    torch.manual_seed(seed)
    made = build(tree)
    for branch in made.nodes.values():
        for layer in branch.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight)
    made.train()
    for _ in range(5):
        made(images(64))
    return made.eval()


def images(n: int = 64, seed: int = 1) -> Tensor:
    """Noise on a colour of each image's own: a network with a global mean tells colours apart, and no noise."""
    generator = torch.Generator().manual_seed(seed)
    colours = 2 * torch.randn(n, 3, 1, 1, generator=generator)
    return colours + 0.5 * torch.randn(n, 3, 8, 8, generator=generator)
