"""What a tree costs: MACs, weight bytes and peak activations of the best path, the class mean and the worst path.

A path is the nodes from the root to a leaf. MACs are counted by torch's operator-level counter on each node, at the
shape that it really gets; bytes are those of parameters (batch-norm's statistics fold away); activations are the largest
sum of tensors that are alive at one moment of a batch of one, in any node of the path. The class mean weighs every class
alike.
"""

from __future__ import annotations

import weakref
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backbench.trunk.tree import ROOT, Tree

if TYPE_CHECKING:
    from torch import Tensor

    from backbench.trunk.networks.branch import Branch
    from backbench.trunk.networks.routing import TrunkNetwork


@dataclass(frozen=True)
class Cost:
    """MACs of one image, bytes of weights, bytes of activations."""

    macs: float
    weights: float
    activations: float


@dataclass(frozen=True)
class Costs:
    """Of every node that has a network, and of every leaf's path."""

    nodes: dict[str, Cost]
    leaves: dict[str, Cost]

    @property
    def best(self) -> Cost:
        return along(list(self.leaves.values()), min)

    @property
    def worst(self) -> Cost:
        return along(list(self.leaves.values()), max)

    @property
    def mean(self) -> Cost:
        return along(list(self.leaves.values()), lambda values: sum(values) / len(values))

    @property
    def stored(self) -> float:
        """Bytes of all nodes' weights together: what stays resident."""
        return sum(cost.weights for cost in self.nodes.values())

    def data(self) -> dict[str, dict[str, float]]:
        """As plain data, for a record."""
        return {name: vars(getattr(self, name)) for name in ("best", "mean", "worst")}


def along(costs: list[Cost], by: Any) -> Cost:
    return Cost(*(by([getattr(cost, field) for cost in costs]) for field in ("macs", "weights", "activations")))


def costs(tree: Tree, network: TrunkNetwork) -> Costs:
    """Measured on the network itself, so pruned and folded ones count as what they are."""
    nodes = {name: node_cost(branch_of(network, name), tree.shape_into(name)) for name in tree.inner}
    leaves = {leaf: path_cost([nodes[name] for name in tree.path(leaf)[:-1]]) for leaf in tree.leaves}
    return Costs(nodes, leaves)


def path_cost(nodes: list[Cost]) -> Cost:
    return Cost(sum(n.macs for n in nodes), sum(n.weights for n in nodes), max(n.activations for n in nodes))


def second_thoughts(tree: Tree, found: Costs) -> int:
    """MACs of the dearest image when every node visits as many children as it may: the root and its dearest children."""

    def below(name: str) -> int:
        children = sorted((below(child) for child in tree.nodes[name].children if child in found.nodes), reverse=True)
        width = tree.routing.width if tree.routing.second else 1
        return int(found.nodes[name].macs) + sum(children[:width])

    return below(ROOT)


def dearest_path(tree: Tree, network: TrunkNetwork) -> Counter[str]:
    """MACs of the dearest path by operator; the second children of second thoughts are not on it."""
    nodes = {name: operators(branch_of(network, name), tree.shape_into(name)) for name in tree.inner}
    paths = [sum((nodes[name] for name in tree.path(leaf)[:-1]), Counter[str]()) for leaf in tree.leaves]
    return max(paths, key=lambda path: sum(path.values()))


def branch_of(network: TrunkNetwork, name: str) -> Branch:
    branch: Any = network.nodes[name]
    return branch  # type: ignore[no-any-return]


def node_cost(branch: Branch, shape: tuple[int, int, int]) -> Cost:
    import torch

    held = [*branch.features.parameters(), *branch.head.parameters()]
    return Cost(
        sum(operators(branch, shape).values()),
        sum(tensor.numel() * tensor.element_size() for tensor in held),
        peak_activations(branch, torch.zeros(1, *shape)),
    )


def operators(branch: Branch, shape: tuple[int, int, int]) -> Counter[str]:
    """MACs of one image in one node, by operator: the counter counts two FLOPs a MAC."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        branch.head(branch.features(torch.zeros(1, *shape)))
    return Counter({str(name): flops // 2 for name, flops in counter.get_flop_counts()["Global"].items()})


def peak_activations(branch: Branch, image: Tensor) -> int:
    """Bytes of the tensors that are alive together at the worst moment, the node's input among them."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    weights = {tensor.untyped_storage().data_ptr() for tensor in branch.state_dict().values()}
    alive = Alive(image, weights)

    class Watch(TorchDispatchMode):
        """Tells of every tensor that an operator makes."""

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            for made in tree_leaves(result):
                if isinstance(made, torch.Tensor):
                    alive.add(made)
            return result

    with torch.no_grad(), Watch():
        branch.head(branch.features(image))
    return alive.peak


class Alive:
    """Bytes of the storages that some tensor still holds, and the most that there ever were; weights don't count."""

    def __init__(self, image: Tensor, weights: set[int]) -> None:
        self._weights, self._held = weights, {image.data_ptr(): [image.nbytes, 1]}
        self._known: set[int] = set()
        self.peak = image.nbytes

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage.data_ptr()
        if key in self._weights or key == 0 or id(tensor) in self._known:
            return
        self._known.add(id(tensor))
        self._held.setdefault(key, [storage.nbytes(), 0])[1] += 1
        weakref.finalize(tensor, self._drop, id(tensor), key)
        self.peak = max(self.peak, sum(size for size, _ in self._held.values()))

    def _drop(self, number: int, key: int) -> None:
        self._known.discard(number)
        self._held[key][1] -= 1
        if self._held[key][1] == 0:
            del self._held[key]
