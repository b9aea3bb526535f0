"""How long each path takes, node by node: a quick look for `trunk show`; figures for a table come from `backbench run`.

Each node is timed alone on one image of its own shape, eager, after a warm-up; a path is the sum of its nodes' medians.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from backbench.trunk.tree import Tree

if TYPE_CHECKING:
    from backbench.trunk.networks.routing import TrunkNetwork

WARM, TIMED = 10, 50


def path_latencies(tree: Tree, network: TrunkNetwork, threads: int = 1) -> dict[str, float]:
    """Seconds of one image: `best path`, `class mean`, `worst path`."""
    import torch

    torch.set_num_threads(threads)
    with torch.inference_mode():
        nodes = {
            name: node_seconds(network.nodes[name], tree.shape_into(name), len(tree.classes)) for name in tree.inner
        }
    paths = [sum(nodes[name] for name in tree.path(leaf)[:-1]) for leaf in tree.leaves]
    return {"best path": min(paths), "class mean": sum(paths) / len(paths), "worst path": max(paths)}


def node_seconds(branch: Any, shape: tuple[int, int, int], classes: int) -> float:
    import torch

    inputs = torch.zeros(1, *shape), torch.zeros(1), torch.zeros(1, classes)
    taken = []
    for _ in range(WARM + TIMED):
        started = time.perf_counter()
        branch(*inputs)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[WARM:])
