"""The whole tree as one network: images in, log-probabilities of all classes out. Every node stays resident.

Images are routed in batches: at each node the rows that go to one child are gathered and run together, so a batch of n
costs each child one call, and a batch of one gives what it gives among n. The walk is a loop over the nodes, parents
first, and no recursion: TorchScript compiles it as it stands.

In training each node visits its two likeliest children (batch-norm then sees what it will see), and nothing is held
against classes that were not visited: cross-entropy of the outputs is the negative log-likelihood of the path.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor, nn

from backbench.models.networks.routed import Routed
from backbench.trunk.networks.branch import Branch
from backbench.trunk.tree import Tree


class TrunkNetwork(Routed):
    """N × C × H × W → N × classes log-probabilities."""

    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self.tree = tree
        self.count: int = len(tree.classes)
        self.transposed: bool = tree.input.transposed
        self.nodes = nn.ModuleDict({name: Branch(tree, name) for name in tree.inner})

    def forward(self, x: Tensor) -> Tensor:
        if self.transposed:
            x = x.transpose(2, 3)
        return self.one(x) if x.size(0) == 1 and not self.training else self.many(x)

    def one(self, x: Tensor) -> Tensor:
        """A single image: no rows are gathered and put back, which takes as long as a small node. All classes begin equal."""
        prior = torch.full([1], -math.log(self.count), dtype=x.dtype, device=x.device)
        result = prior.expand(1, self.count)
        maps: dict[int, Tensor] = {0: x}
        index = 0
        for node in self.nodes.values():
            if index in maps:
                feature, chosen, _, filled = node(maps[index], prior, result, True)
                result = filled.to(result.dtype)
                visited: list[int] = chosen.tolist()
                targets: list[int] = node.targets  # type: ignore[assignment]
                for child in visited:
                    if targets[child] >= 0:
                        maps[targets[child]] = feature
            index += 1  # noqa: SIM113 (TorchScript counts so)
        return result

    def many(self, x: Tensor) -> Tensor:
        """A batch: at each node the rows that go to one child run together."""
        n = x.size(0)
        result = torch.zeros([n, self.count], dtype=x.dtype, device=x.device)
        maps: dict[int, Tensor] = {0: x}
        rows: dict[int, Tensor] = {0: torch.arange(n, device=x.device)}
        bases: dict[int, Tensor] = {0: torch.zeros([n], dtype=x.dtype, device=x.device)}
        index = 0
        for node in self.nodes.values():
            if index in maps:
                places = rows[index]
                feature, chosen, joint, filled = node(maps[index], bases[index], result.index_select(0, places))
                result = result.index_copy(0, places, filled.to(result.dtype))
                counts: list[int] = chosen.sum(0).tolist()
                targets: list[int] = node.targets  # type: ignore[assignment]
                for child, target in enumerate(targets):
                    if target >= 0 and counts[child] > 0:
                        picked = chosen[:, child].nonzero().flatten()
                        everyone = counts[child] == places.size(0)
                        maps[target] = feature if everyone else feature.index_select(0, picked)
                        rows[target] = places.index_select(0, picked)
                        bases[target] = joint[:, child].index_select(0, picked)
                del maps[index]
            index += 1  # noqa: SIM113 (TorchScript counts so)
        return result

    def dearest_path(self) -> Counter[str]:
        from backbench.trunk.cost import dearest_path

        return dearest_path(self.tree, self)

    def write_onnx(self, path: Path) -> None:
        from backbench.trunk.export import write_graph

        write_graph(self.tree, self, path)


def visits(network: TrunkNetwork, images: Tensor) -> dict[str, int]:
    """How many of these images run through each node: what routing really costs."""
    counted: dict[str, int] = dict.fromkeys(network.nodes, 0)

    def counter(name: str):  # type: ignore[no-untyped-def]
        def count(module: nn.Module, inputs: tuple[Tensor, ...], outputs: object) -> None:
            counted[name] += len(inputs[0])

        return count

    hooks = [node.register_forward_hook(counter(name)) for name, node in network.nodes.items()]
    try:
        with torch.inference_mode():
            network.eval()(images)
    finally:
        for hook in hooks:
            hook.remove()
    return counted
