"""One node with its network, and its step of the walk: scores, which children to visit, log-shares of its classes.

A class's output is its log-probability: the sum of the nodes' log-softmaxes on its path. Below a child that is not
visited nothing is known of its classes, so each gets an equal part of the child's share, and in evaluation less
`UNVISITED`: the arg-max is always a class that the walk has reached.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backbench.trunk.layers import Shape, head, layer
from backbench.trunk.tree import Tree

UNVISITED = 20.0  # nats; the walk's own classes stay above −log(47) a node


class Branch(nn.Module):
    """A node: `features`, `head`, a temperature, and tables that say which class lies below which child."""

    if TYPE_CHECKING:  # TorchScript would read these as text that it can't resolve
        owner: Tensor
        inside: Tensor
        spread: Tensor
        numbers: Tensor
        missed: Tensor
        within: Tensor
        gained: Tensor
        temperature: Tensor

    def __init__(self, tree: Tree, name: str) -> None:
        super().__init__()
        node = tree.nodes[name]
        shape = tree.shape_into(name)
        self.features = features_of(node.features, shape)
        self.head = head(str(node.head)).build(shape_of(tree, name), len(node.children))
        self.register_buffer("temperature", torch.ones(()))
        owner, inside, spread = tables(tree, name)
        self.register_buffer("owner", owner, persistent=False)
        self.register_buffer("inside", inside, persistent=False)
        self.register_buffer("spread", spread, persistent=False)
        numbers = torch.arange(len(node.children))
        self.register_buffer("numbers", numbers, persistent=False)
        others = (owner.unsqueeze(0) != numbers.unsqueeze(1)).to(spread.dtype)
        self.register_buffer("missed", spread + UNVISITED * others, persistent=False)  # a row a child, it alone chosen
        self.entered: float = math.log(len(tree.labels(name)))
        within = inside.to(spread.dtype)
        self.register_buffer("within", within, persistent=False)
        self.register_buffer("gained", (self.entered - self.missed) * within, persistent=False)
        self.targets: list[int] = [-1 if tree.nodes[child].leaf else tree.inner.index(child) for child in node.children]
        self.held_back: float = UNVISITED  # TorchScript reads a module's attributes, and no globals
        self.second: float = tree.routing.second
        self.width: int = min(tree.routing.width, len(node.children))

    def forward(
        self, x: Tensor, base: Tensor, known: Tensor, alone: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Feature map, chosen (N × k, bool), joint log-shares (N × k), and `known` (N × classes) with them filled in.

        `base` (N) is the log-probability of having come here. `alone`, a single image in evaluation: `chosen` are the places of
        the children that it visits, and `base` is not looked at: `known` holds an equal part of it for each class below.
        """
        maps = self.features(x)
        shares = F.log_softmax(self.head(maps) / self.temperature, 1)
        if alone:
            visited, gained = self.visit(shares)
            filled = torch.addcmul(known + gained, shares.index_select(1, self.owner), self.within)
            return maps, visited, shares, filled
        chosen, lost = self.choose(shares)
        joint = base.unsqueeze(1) + shares
        return maps, chosen, joint, torch.where(self.inside, joint.index_select(1, self.owner) - lost, known)

    def visit(self, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Of one image, the visited children's places, and what its classes' log-shares gain besides those (1 × classes)."""
        if self.hard():
            first = shares.argmax(1)
            return first, self.gained.index_select(0, first)
        chosen, lost = self.choose(shares)
        return chosen[0].nonzero().flatten(), (self.entered - lost) * self.within

    def hard(self) -> bool:
        """No image ever visits a second child."""
        return self.second <= 0.0 or self.width == 1

    def choose(self, shares: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest child, and up to `width` where its share is under `second`; always in training.

        Beside it what a class's log-share loses to its child's (N × classes, or classes).
        """
        if self.hard() and not self.training:
            first = shares.argmax(1)
            return first.unsqueeze(1) == self.numbers, self.missed.index_select(0, first)
        top = shares.topk(self.width, 1)
        unsure = top.values[:, :1].exp() < (2.0 if self.training else self.second)
        kept = unsure.expand(-1, self.width).clone()
        kept[:, 0] = True
        chosen = torch.zeros_like(shares, dtype=torch.bool).scatter(1, top.indices, kept)
        if self.training:
            return chosen, self.spread
        return chosen, self.spread + self.held_back * (~chosen).to(shares.dtype).index_select(1, self.owner)


def features_of(texts: tuple[str, ...], shape: Shape) -> nn.Sequential:
    layers = []
    for text in texts:
        layers.append(layer(text).build(shape))
        shape = layer(text).after(shape)
    return nn.Sequential(*layers)


def shape_of(tree: Tree, name: str) -> Shape:
    """The shape of the node's own feature map."""
    shape = tree.shape_into(name)
    for text in tree.nodes[name].features:
        shape = layer(text).after(shape)
    return shape


def tables(tree: Tree, name: str) -> tuple[Tensor, Tensor, Tensor]:
    """For each class: the child that it lies below, whether it lies below this node, and the log of that child's classes."""
    count = len(tree.classes)
    owner, inside, spread = (
        torch.zeros(count, dtype=torch.long),
        torch.zeros(count, dtype=torch.bool),
        torch.zeros(count),
    )
    for place, child in enumerate(tree.nodes[name].children):
        labels = torch.tensor(tree.labels(child))
        owner[labels], inside[labels] = place, True
        spread[labels] = torch.log(torch.tensor(float(len(labels))))
    return owner, inside, spread
