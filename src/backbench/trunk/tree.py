"""A tree file: which node leads to which, which class each leaf is, and what each node's network looks like. No torch.

    {"format": "backbench-trunk", "version": 1, "classes": ["cat", "dog", …], "input": {"shape": [3, 32, 32], …},
     "nodes": {"root": {"children": ["c0", "l2"], "features": ["conv:out=16", …], "head": "mean_linear"},
               "c0": {…}, "l2": {"label": 2}}, "routing": {"second": 0.8, "width": 2}}

A node with children has a network; a leaf is one class and has none. A child's network takes its parent's feature map.
The file is JSON: a pickle is recognised by its first bytes and refused unread.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backbench.errors import BackbenchError, SpecError, UsageError
from backbench.registry import complaint
from backbench.trunk.layers import Shape, head, shape_behind

ROOT = "root"
DEEPEST = 64  # decisions; two or three are of use
PICKLES = (b"\x80", b"PK\x03\x04")  # a pickle of protocol 2 and later, and torch's archive around one
NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(Strict):
    """What the root takes; `transposed` images are turned by the network, for weights that were trained so."""

    shape: Shape
    mean: tuple[float, ...] | None = None  # None: the dataset's own
    std: tuple[float, ...] | None = None
    transposed: bool = False


class Routing(Strict):
    """`width` children at most are visited where the likeliest has a share under `second`; 0: always one child."""

    second: Annotated[float, Field(ge=0, le=1)] = 0.0
    width: Annotated[int, Field(ge=1)] = 2


class Node(Strict):
    """`children` and a network, or a `label`."""

    children: tuple[str, ...] = ()
    label: Annotated[int, Field(ge=0)] | None = None
    features: tuple[str, ...] = ()
    head: str | None = None

    @property
    def leaf(self) -> bool:
        return not self.children


class Tree(Strict):
    """A whole tree; made through `tree_of` or `read_tree`, which check it."""

    format: Literal["backbench-trunk"] = "backbench-trunk"
    version: Literal[1] = 1
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    input: Input
    nodes: dict[NodeName, Node]
    routing: Routing = Routing()
    provenance: dict[str, Any] = Field(default_factory=dict)

    @cached_property
    def inner(self) -> tuple[str, ...]:
        """The nodes with networks, breadth first."""
        found = [ROOT]
        for name in found:
            found += [child for child in self.nodes[name].children if not self.nodes[child].leaf]
        return tuple(found)

    @cached_property
    def parents(self) -> dict[str, str]:
        return {child: name for name in self.inner for child in self.nodes[name].children}

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The leaves in the order of their classes."""
        return tuple(sorted(self._leaves_under(ROOT), key=lambda name: self.nodes[name].label or 0))

    def _leaves_under(self, name: str) -> Iterator[str]:
        if self.nodes[name].leaf:
            yield name
        for child in self.nodes[name].children:
            yield from self._leaves_under(child)

    def labels(self, name: str) -> tuple[int, ...]:
        """The classes below a node, rising."""
        return tuple(sorted(self.nodes[leaf].label or 0 for leaf in self._leaves_under(name)))

    def path(self, name: str) -> tuple[str, ...]:
        """From the root to this node, both ends included."""
        return (*self.path(self.parents[name]), name) if name in self.parents else (name,)

    @property
    def depth(self) -> int:
        """Decisions on the longest path."""
        return max(len(self.path(leaf)) for leaf in self.leaves) - 1

    def target_map(self) -> dict[int, list[int]]:
        """Class → child indices from the root, padded with −1 to the depth plus one."""
        found: dict[int, list[int]] = {}
        for leaf in self.leaves:
            path = self.path(leaf)
            steps = [self.nodes[one].children.index(two) for one, two in pairwise(path)]
            found[self.nodes[leaf].label or 0] = steps + [-1] * (self.depth + 1 - len(steps))
        return found

    def shape_into(self, name: str) -> Shape:
        """The shape of the map that the node's network takes."""
        if name == ROOT:
            return self.input.shape
        parent = self.parents[name]
        return shape_behind(self.nodes[parent].features, self.shape_into(parent))

    def text(self) -> str:
        """The file's text; what stands at its default is left out."""
        data = {"format": self.format, "version": self.version, **self.model_dump(mode="json", exclude_defaults=True)}
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def read_tree(path: Path) -> Tree:
    """The checked tree of a JSON file. Raises UsageError, SpecError with every complaint."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the tree can't be read: {error.strerror}") from None
    if content.startswith(PICKLES):
        raise UsageError(f"{path}: this is a pickle, which could run code, and was not opened; a tree is a JSON file")
    try:
        data = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: this is no JSON: {error}") from None
    return tree_of(data, str(path))


def tree_of(data: Any, source: str = "tree") -> Tree:
    """The checked tree in plain data. Raises SpecError with every complaint."""
    try:
        tree = Tree.model_validate(data)
    except ValidationError as error:
        complaints = [complaint(item, list(Tree.model_fields)).replace("option", "field", 1) for item in error.errors()]
        raise SpecError(source, complaints) from None
    found = structure(tree) or [*labels_wrong(tree), *networks_wrong(tree)]
    if found:
        raise SpecError(source, found)
    return tree


def structure(tree: Tree) -> list[str]:
    """What keeps the nodes from being one tree: missing nodes, two parents, cycles, nodes that nothing leads to."""
    if ROOT not in tree.nodes:
        return [f"nodes: there is no node {ROOT!r}"]
    wrong, seen, queue = [], {ROOT: 0}, [ROOT]
    for name in queue:
        if seen[name] > DEEPEST:
            return [f"nodes.{name}: over {DEEPEST} decisions lead to it; a tree is at most that deep"]
        for child in tree.nodes[name].children:
            if child not in tree.nodes:
                wrong.append(f"nodes.{name}: child {child!r} is no node of the file")
            elif child == ROOT or leads_to(tree, child, name):
                wrong.append(f"nodes.{name}: child {child!r} leads back to {name!r}, a cycle")
            elif child in seen:
                wrong.append(f"nodes.{name}: child {child!r} has another parent already")
            else:
                seen[child] = seen[name] + 1
                queue.append(child)
    return wrong + [f"nodes.{name}: no path from {ROOT!r} leads to it" for name in tree.nodes if name not in seen]


def leads_to(tree: Tree, start: str, goal: str) -> bool:
    seen, queue = {start}, [start]
    for name in queue:
        if name == goal:
            return True
        fresh = [child for child in tree.nodes[name].children if child in tree.nodes and child not in seen]
        seen.update(fresh)
        queue += fresh
    return False


def labels_wrong(tree: Tree) -> list[str]:
    """Leaves without a class, inner nodes with one, classes that are unknown, twice or nowhere."""
    wrong = []
    for name, node in tree.nodes.items():
        if node.leaf and node.label is None:
            wrong.append(f"nodes.{name}: a node has children, or the label of a leaf; this one has neither")
        if not node.leaf and node.label is not None:
            wrong.append(f"nodes.{name}: a node with children has no label")
        if node.label is not None and node.label >= len(tree.classes):
            wrong.append(f"nodes.{name}: label {node.label} is none of the {len(tree.classes)} classes")
    leaves = [node.label for node in tree.nodes.values() if node.leaf and node.label is not None]
    for label, name in enumerate(tree.classes):
        if leaves.count(label) == 0:
            wrong.append(f"classes: {name!r} ({label}) is no leaf of the tree")
        if leaves.count(label) > 1:
            wrong.append(f"classes: {name!r} ({label}) stands in {leaves.count(label)} leaves")
    return wrong


def networks_wrong(tree: Tree) -> list[str]:
    """Inner nodes without a network, leaves with one, layers that are none."""
    wrong = []
    for name, node in tree.nodes.items():
        if node.leaf and (node.features or node.head):
            wrong.append(f"nodes.{name}: a leaf has no network")
        if not node.leaf and node.head is None:
            wrong.append(f"nodes.{name}: a node with children has a head")
        if not node.leaf and len(node.children) < 2 and len(tree.classes) > 1:
            wrong.append(f"nodes.{name}: a node with one child decides nothing")
        try:
            shape_behind(node.features, tree.input.shape)
            if node.head is not None:
                head(node.head)
        except BackbenchError as error:
            wrong.append(f"nodes.{name}: {error}")
    return wrong
