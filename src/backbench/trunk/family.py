"""TRUNK as a backbone like the others: `trunk:tree=FOLDER`, with the folder's weights given as `--weights`.

A folder is what `backbench trunk import` and `trunk grow` leave; a name is a tree that ships with the package.
Without one the classes are cut into about √n groups by number: a network of the right shape to time or to train, and no
grown one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing, native_preprocessing
from backbench.errors import UsageError
from backbench.models.family import Family
from backbench.models.weights import sha256
from backbench.trunk.store import WEIGHTS, build, open_tree, place_of, tree_file
from backbench.trunk.tree import ROOT, Tree, tree_of

if TYPE_CHECKING:
    from torch import nn

ROOT_LAYERS = ("conv:out=16", "residual:out=16", "residual:out=32,stride=2", "residual:out=64,stride=2")
CHILD_LAYERS = ("residual:out=64",)


class Trunk(Family):
    """A tree of small networks. `tree`: a folder or a shipped tree's name; without it, classes are grouped by number."""

    routed: ClassVar[bool] = True
    tree: str | None = None

    def build(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
        shape = (in_channels, *input_size)
        tree = by_number(num_classes, shape) if self.tree is None else open_tree(self.place)
        if len(tree.classes) != num_classes or tree.input.shape[0] != in_channels:
            raise UsageError(
                f"the tree {self.tree!r} has {len(tree.classes)} classes and takes {tree.input.shape[0]} channels,"
                f" not {num_classes} and {in_channels}"
            )
        return build(tree)

    @property
    def place(self) -> Path:
        """The tree's folder."""
        return place_of(str(self.tree))

    def content(self) -> str | None:
        """The tree file's: routing and layers may change while the weights stay."""
        return None if self.tree is None else sha256(tree_file(self.place))

    def published(self) -> Path | None:
        """The weights that lie beside the tree."""
        file = self.place / WEIGHTS
        return file if self.tree is not None and file.is_file() else None

    def preprocessing(self, dataset: Dataset) -> Preprocessing:
        """The tree's own size, mean and deviation where it says them."""
        if self.tree is None:
            return native_preprocessing(dataset)
        given = open_tree(self.place).input
        if dataset.size is None:
            mean, std = given.mean or (0.5,) * given.shape[0], given.std or (0.5,) * given.shape[0]
            return Preprocessing(size=given.shape[1:], channels=given.shape[0], mean=mean, std=std)
        native = native_preprocessing(dataset)
        changes: dict[str, Any] = {"size": given.shape[1:]}
        if given.mean is not None and given.std is not None:
            changes |= {"mean": given.mean, "std": given.std, "channels": given.shape[0]}
        return native.model_copy(update=changes)


def by_number(classes: int, shape: tuple[int, int, int]) -> Tree:
    """A two-level tree whose groups are neighbouring numbers; flat for fewer than four classes."""
    each = max(1, math.isqrt(classes))
    groups = [tuple(range(first, min(first + each, classes))) for first in range(0, classes, each)]
    return two_levels(tuple(map(str, range(classes))), groups, shape, ROOT_LAYERS, CHILD_LAYERS)


def two_levels(
    classes: tuple[str, ...],
    groups: Sequence[tuple[int, ...]],
    shape: tuple[int, int, int],
    root: tuple[str, ...],
    child: tuple[str, ...],
    head: str = "mean_linear",
    **prepared: Any,
) -> Tree:
    """A root over the groups, a child for each group of more than one class; a class alone is a leaf of the root.

    `prepared`: mean and std of the images, where they are not the dataset's own.
    """
    nodes: dict[str, Any] = {}
    children = []
    for number, members in enumerate(groups):
        leaves = [f"l{label}" for label in members]
        nodes |= {name: {"label": label} for name, label in zip(leaves, members, strict=True)}
        if len(members) > 1:
            nodes[f"c{number}"] = {"children": leaves, "features": child, "head": head}
        children.append(f"c{number}" if len(members) > 1 else leaves[0])
    top = {ROOT: {"children": children, "features": root, "head": head}}
    return tree_of({"classes": classes, "input": {"shape": shape, **prepared}, "nodes": {**top, **nodes}})


def flat(classes: tuple[str, ...], shape: tuple[int, int, int], root: tuple[str, ...], **prepared: Any) -> Tree:
    """The root alone, a leaf for each class: an ordinary network."""
    return two_levels(classes, [(label,) for label in range(len(classes))], shape, root, (), **prepared)
