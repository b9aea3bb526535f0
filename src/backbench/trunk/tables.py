"""What a tree is and does, as Markdown tables and plain data: its likelihood, its members, its paths, its confusions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backbench.trunk.grouping import Groups, Likelihood
from backbench.trunk.tree import ROOT, Tree

if TYPE_CHECKING:
    from backbench.trunk.cost import Cost, Costs


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def likelihood_table(likelihood: Likelihood, classes: Sequence[str], shown: Sequence[int] | None = None) -> str:
    """Rows are true classes, columns what the network makes of them; percent. `shown`: these rows alone."""
    rows = shown if shown is not None else range(len(classes))
    return table(
        ["true \\ %", *classes], [[classes[row], *(f"{100 * share:.1f}" for share in likelihood[row])] for row in rows]
    )


def membership_table(groups: Groups, classes: Sequence[str]) -> str:
    """Which classes stand together."""
    return table(
        ["group", "classes"],
        [[str(number), ", ".join(classes[i] for i in group)] for number, group in enumerate(groups)],
    )


def class_membership(tree: Tree, label: int) -> str:
    """Each node on the way to a class and the classes that share it."""
    leaf = next(name for name in tree.leaves if tree.nodes[name].label == label)
    rows = [[name, ", ".join(tree.classes[one] for one in tree.labels(name))] for name in tree.path(leaf)]
    return table(["node", "classes"], rows)


def path_table(tree: Tree, found: Costs, latencies: dict[str, float] | None = None) -> str:
    """Best path, class mean, worst path. Latencies are seconds of one image along the best, mean and worst path."""
    named = {"best path": found.best, "class mean": found.mean, "worst path": found.worst}
    head = ["", "MACs, M", "weights, MB", "peak activations, MB", *(["latency, ms"] if latencies else [])]
    rows = [
        [name, *figures(cost), *([f"{latencies[name] * 1e3:.3f}"] if latencies else [])] for name, cost in named.items()
    ]
    return table(head, rows)


def leaf_table(tree: Tree, found: Costs) -> str:
    """Each class with its path and cost."""
    rows = []
    for leaf in tree.leaves:
        label = tree.nodes[leaf].label or 0
        rows.append([tree.classes[label], " → ".join(tree.path(leaf)), *figures(found.leaves[leaf])])
    return table(["class", "path", "MACs, M", "weights, MB", "peak activations, MB"], rows)


def figures(cost: Cost) -> list[str]:
    return [f"{cost.macs / 1e6:.2f}", f"{cost.weights / 1e6:.3f}", f"{cost.activations / 1e6:.3f}"]


def summary(tree: Tree) -> str:
    """`15 nodes, 10 leaves, 5 networks, depth 2; 5 root groups, 1 of them single`"""
    children = tree.nodes[ROOT].children
    single = sum(tree.nodes[child].leaf for child in children)
    counts = f"{len(tree.nodes)} nodes, {len(tree.leaves)} leaves, {len(tree.inner)} networks, depth {tree.depth}"
    return f"{counts}; {len(children)} root groups, {single} of them single"


def confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """true × predicted counts; every image is in it, those that went astray at an inner node too."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def confusion_table(matrix: NDArray[np.int64], classes: Sequence[str]) -> str:
    rows = [[name, *map(str, row)] for name, row in zip(classes, matrix.tolist(), strict=True)]
    return table(["true \\ predicted", *classes], rows)


def confusion_csv(matrix: NDArray[np.int64], classes: Sequence[str]) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["true", *classes])
    writer.writerows([name, *row] for name, row in zip(classes, matrix.tolist(), strict=True))
    return out.getvalue()
