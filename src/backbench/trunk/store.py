"""A tree on disk: a folder with `tree.json` and `weights.safetensors`. Both are checked against each other.

Trees that ship with the package have names: `trees/<name>/` here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backbench.errors import UsageError
from backbench.trunk.tree import Tree, read_tree

if TYPE_CHECKING:
    from backbench.trunk.networks.routing import TrunkNetwork

TREE, WEIGHTS = "tree.json", "weights.safetensors"
SHIPPED = Path(__file__).parent / "trees"


def shipped() -> list[str]:
    """The names of the trees that ship."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{TREE}"))


def place_of(tree: str) -> Path:
    """The folder of a shipped tree, by its name; any other text is a path."""
    return SHIPPED / tree if tree in shipped() else Path(tree)


def tree_file(place: Path) -> Path:
    """The tree file that a folder or a file names."""
    return place / TREE if place.is_dir() else place


def open_tree(place: Path) -> Tree:
    """Raises UsageError or SpecError."""
    if not place.exists():
        names = ", ".join(shipped())
        raise UsageError(f"{place}: there is no such tree; expected a folder with {TREE}, or one that ships: {names}")
    return read_tree(tree_file(place))


def build(tree: Tree) -> TrunkNetwork:
    """The network with random weights, in evaluation mode."""
    from backbench.registry import require

    require("a TRUNK network", "torch", "torch")
    from backbench.trunk.networks.routing import TrunkNetwork

    return TrunkNetwork(tree).eval()


def open_network(folder: Path) -> tuple[Tree, TrunkNetwork]:
    """Tree and network with its weights. Raises UsageError, SpecError, WeightsError (missing or extra node weights)."""
    from backbench.models.weights import load_weights

    tree = open_tree(folder)
    network = build(tree)
    load_weights(network, folder / WEIGHTS)
    return tree, network


def save(folder: Path, tree: Tree, network: TrunkNetwork) -> None:
    """Weights first, the tree last: a folder with a tree file is whole."""
    from backbench.models.weights import save_weights

    save_weights(network, folder / WEIGHTS)
    partial = folder / f".{TREE}"
    partial.write_text(tree.text(), encoding="utf-8")
    partial.replace(folder / TREE)
