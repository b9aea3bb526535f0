"""Small trees that tests share."""

from __future__ import annotations

from typing import Any

from backbench.trunk.tree import Tree, tree_of

ROOT_LAYERS = ("conv:out=4", "residual:out=8,stride=2")
CLASSES = ("a", "b", "c", "d", "e")


def three_levels(**more: Any) -> Tree:
    """root → l0, c1 → (l1, c2 → (l2, l3)), l4: five classes of 3 × 8 × 8 images."""
    return tree_of(data(**more))


def data(**more: Any) -> dict[str, Any]:
    head = "mean_linear"
    return {
        "classes": CLASSES,
        "input": {"shape": (3, 8, 8)},
        "nodes": {
            "root": {"children": ["l0", "c1", "l4"], "features": ROOT_LAYERS, "head": head},
            "c1": {"children": ["l1", "c2"], "features": ["residual:out=8"], "head": head},
            "c2": {"children": ["l2", "l3"], "features": ["conv:out=6"], "head": head},
            **{f"l{label}": {"label": label} for label in range(5)},
        },
        **more,
    }
