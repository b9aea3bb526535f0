"""Reads the published TRUNK: a folder of state dicts (`root.pt`, `sg1.pt`, …) and JSON trees. Never a pickled object.

    inputs_to_models.json    node → [shape that it takes, its children's number; 1: a leaf], depth first
    NODE_supergroups.json    the groups of a node's classes, counted among its own
    target_map.json          class → child indices from the root, −1 behind the last
    NODE.pt                  a state dict, or a checkpoint that holds one

What the files repeat must agree. The layers are read from the tensors' names and shapes; what these don't say
(strides) follows from the feature map that the head takes. The padded 1×1 convolutions are kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.data.cifar10 import CLASSES as CIFAR10
from backbench.data.emnist import MERGED
from backbench.errors import SpecError, UsageError, WeightsError
from backbench.trunk.layers import Shape, shape_behind
from backbench.trunk.tree import ROOT, Tree, tree_of

if TYPE_CHECKING:
    from torch import Tensor

    from backbench.trunk.networks.routing import TrunkNetwork

State = dict[str, "Tensor"]
SHAPES, GROUPS, TARGETS = "inputs_to_models.json", "{}_supergroups.json", "target_map.json"
CIFAR10_MEAN, CIFAR10_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True)
class Release:
    """What the three releases' files don't say: class names, and how the images were prepared."""

    dataset: str
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    transposed: bool = False


# By (block, channels, classes). The EMNIST weights were trained on torchvision's raw, transposed images.
RELEASES = {
    ("conv", 3, 10): Release("cifar10", CIFAR10, CIFAR10_MEAN, CIFAR10_STD),
    ("inverted", 1, 47): Release("emnist", MERGED, (0.0,), (1.0,), transposed=True),
    ("inverted", 3, 10): Release("svhn", tuple(map(str, range(10))), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


@dataclass
class Entry:
    """A node as the files name it; `classes` are the data set's."""

    name: str
    shape: tuple[int, ...]
    classes: tuple[int, ...] = ()
    children: list[Entry] = field(default_factory=list)

    def walk(self) -> Iterator[Entry]:
        yield self
        for child in self.children:
            yield from child.walk()


def import_published(folder: Path) -> tuple[Tree, TrunkNetwork]:
    """The tree and its network. Raises UsageError, SpecError or WeightsError: what, in which file."""
    root = read_structure(folder)
    inner = [entry for entry in root.walk() if entry.children]
    refuse_extra(folder, {entry.name for entry in inner})
    states = {entry.name: read_state(folder / f"{entry.name}.pt") for entry in inner}
    tree = tree_of(describe(root, states), str(folder))
    check_targets(folder, tree)
    return tree, with_weights(folder, tree, states)


def read_structure(folder: Path) -> Entry:
    """The root with everything below it."""
    sizes = read_json(folder / SHAPES)
    if not isinstance(sizes, dict) or next(iter(sizes), None) != ROOT:
        raise UsageError(f"{folder / SHAPES}: a mapping of nodes is expected, {ROOT!r} first")
    entries = iter(sizes.items())
    root = take(entries, folder / SHAPES)
    left = [name for name, _ in entries]
    if left:
        raise SpecError(str(folder / SHAPES), [f"node {name!r} has no parent" for name in left])
    targets = read_json(folder / TARGETS)
    root.classes = tuple(sorted(map(int, targets)))
    share_out(folder, root)
    return root


def take(entries: Iterator[tuple[str, Any]], file: Path) -> Entry:
    """The next node and, depth first, what lies below it."""
    try:
        name, (shape, count) = next(entries)
    except StopIteration:
        raise SpecError(str(file), ["the list of nodes ends before every child was named"]) from None
    except (TypeError, ValueError):
        raise UsageError(f"{file}: a node is [shape, number of children]") from None
    entry = Entry(str(name), tuple(shape))
    if count > 1:
        entry.children = [take(entries, file) for _ in range(count)]
    return entry


def share_out(folder: Path, entry: Entry) -> None:
    """Gives each child its classes, from the node's supergroups."""
    if not entry.children:
        return
    file = folder / GROUPS.format(entry.name)
    groups = list(read_json(file).values())
    members = sorted(index for group in groups for index in group)
    if len(groups) != len(entry.children) or members != list(range(len(entry.classes))):
        raise SpecError(
            str(file),
            [f"{len(groups)} groups of {len(members)} classes; expected {len(entry.children)} of {len(entry.classes)}"],
        )
    for child, group in zip(entry.children, groups, strict=True):
        child.classes = tuple(entry.classes[index] for index in group)
        if not child.children and len(group) != 1:
            raise SpecError(str(file), [f"node {child.name!r} is a leaf and owns {len(group)} classes"])
        share_out(folder, child)


def read_json(file: Path) -> Any:
    """Raises UsageError where it is missing, no JSON, or a pickle (refused unread)."""
    from backbench.trunk.tree import PICKLES

    try:
        content = file.read_bytes()
        if content.startswith(PICKLES):
            raise UsageError(
                f"{file}: this is a pickle, which could run code, and was not opened; a tree is a JSON file"
            )
        return json.loads(content)
    except OSError as error:
        raise UsageError(f"{file}: can't be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{file}: this is no JSON: {error}") from None


def refuse_extra(folder: Path, wanted: set[str]) -> None:
    """Raises WeightsError where weights are missing, or belong to no node."""
    there = {path.stem for path in folder.glob("*.pt")}
    for names, what in (
        (wanted - there, "has no weights for"),
        (there - wanted, "holds weights of no node of the tree:"),
    ):
        if names:
            raise WeightsError(f"{folder} {what} {', '.join(sorted(names))}")


def read_state(file: Path) -> State:
    """The state dict alone; an optimiser's state beside it is left. Tensors only, through torch's restricted reader."""
    from backbench.models.weights import read_weights

    return read_weights(file)


def describe(root: Entry, states: dict[str, State]) -> dict[str, Any]:
    """The tree file's content."""
    kind = "inverted" if any("inverted" in key for key in states[ROOT]) else "conv"
    release = RELEASES.get((kind, root.shape[0], len(root.classes)))
    if release is None:
        raise UsageError(
            f"a {kind} tree of {len(root.classes)} classes on {root.shape[0]} channels was never published"
        )
    nodes: dict[str, Any] = {}
    for entry in root.walk():
        nodes[entry.name] = {"label": entry.classes[0]}
        if entry.children:
            nodes[entry.name] = node_of(entry, states[entry.name])
            check_shapes(entry, nodes[entry.name]["features"])
    inputs = {"shape": root.shape, "mean": release.mean, "std": release.std, "transposed": release.transposed}
    about = {"published": True, "dataset": release.dataset, "paper": "10.1145/3408062"}
    return {"classes": release.classes, "input": inputs, "nodes": nodes, "provenance": about}


def node_of(entry: Entry, state: State) -> dict[str, Any]:
    """Children, layers and head of a node, from its tensors."""
    reader = inverted_layers if any("inverted" in key for key in state) else conv_layers
    features, head = reader(entry, state)
    return {"children": [child.name for child in entry.children], "features": features, "head": head}


def conv_layers(entry: Entry, state: State) -> tuple[list[str], str]:
    """*vgg*: the root pools at its end, a child halves in its last convolutions: as often as the head's width says."""
    widths = [tensor.shape[0] for key, tensor in state.items() if key.startswith("features.") and tensor.dim() == 4]
    area = state["classifier.0.weight"].shape[1] / widths[-1]
    halvings = round(math.log2(entry.shape[1] / math.sqrt(area)))
    if entry.name == ROOT:
        return [f"conv:out={width},bias=true" for width in widths] + ["pool"] * halvings + ["dropout"], "map_linear"
    strides = [1] * (len(widths) - halvings) + [2] * halvings
    texts = [
        f"conv:out={width},bias=true" + (f",stride={stride}" if stride > 1 else "")
        for width, stride in zip(widths, strides, strict=True)
    ]
    return [*texts, "dropout:maps=true"], "map_linear"


def inverted_layers(entry: Entry, state: State) -> tuple[list[str], str]:
    """*mobilenet*: the root begins with a convolution of stride 2; blocks of three convolutions each."""
    kernels = [tensor.shape for key, tensor in state.items() if key.startswith("features.") and tensor.dim() == 4]
    texts = []
    if entry.name == ROOT:
        texts.append(f"conv:out={kernels.pop(0)[0]},stride=2,bias=true,activation=relu6")
    for first, _, last in zip(kernels[::3], kernels[1::3], kernels[2::3], strict=True):
        texts.append(f"inverted_padded_pointwise:out={last[0]},expand={first[0] // first[1]}")
    return texts, "conv_mean"


def check_shapes(entry: Entry, features: list[str]) -> None:
    """Raises SpecError where a child takes another map than its parent makes."""
    made: Shape = shape_behind(tuple(features), (entry.shape[0], entry.shape[1], entry.shape[2]))
    wrong = [child for child in entry.children if child.children and child.shape != made]
    if wrong:
        raise SpecError(
            SHAPES, [f"node {child.name!r} takes {child.shape}, its parent makes {made}" for child in wrong]
        )


def check_targets(folder: Path, tree: Tree) -> None:
    """Raises SpecError where the target map tells of other paths than the groups do."""
    stated = {int(label): list(path) for label, path in read_json(folder / TARGETS).items()}
    wrong = [label for label, path in tree.target_map().items() if stated.get(label) != path]
    if wrong:
        raise SpecError(
            str(folder / TARGETS), [f"class {label} has another path than in the groups" for label in wrong]
        )


def with_weights(folder: Path, tree: Tree, states: dict[str, State]) -> TrunkNetwork:
    """The network with the published values: tensors in the same order, each of the same shape."""
    from backbench.trunk.store import build

    network = build(tree)
    for name, state in states.items():
        own = {key: tensor for key, tensor in network.nodes[name].state_dict().items() if key != "temperature"}
        shapes = [tuple(tensor.shape) for tensor in own.values()]
        given = [tuple(tensor.shape) for tensor in state.values()]
        if shapes != given:
            raise WeightsError(
                f"{folder / name}.pt: {len(given)} tensors of other shapes than the tree's {len(shapes)}"
            )
        network.nodes[name].load_state_dict(dict(zip(own, state.values(), strict=True)), strict=False)
    return network
