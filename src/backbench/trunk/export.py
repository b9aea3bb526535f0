"""A tree as a product: one ONNX graph with `If`, one ONNX file a node with a manifest, or TorchScript; fp32 or int8.

Batch-norm is folded into the convolutions before it in every form.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backbench.errors import UsageError
from backbench.techniques.fold_bn import folded
from backbench.techniques.routes import halved
from backbench.trunk.graph import compose
from backbench.trunk.node_graphs import node_graphs
from backbench.trunk.tree import Tree
from backbench.trunk.walk import write_nodes

if TYPE_CHECKING:
    from backbench.trunk.networks.routing import TrunkNetwork

Images = NDArray[np.float32]


def export(tree: Tree, network: TrunkNetwork, form: str, out: Path, calibration: Images | None = None) -> list[Path]:
    """Writes the form into the folder `out`, int8 where calibration images are given; the files, for their sizes.

    Raises UsageError for a form that is none or has no int8, BackbenchError where a node can't be exported.
    """
    if form not in FORMS:
        raise UsageError(f"form {form!r} is none; allowed: {', '.join(FORMS)}")
    out.mkdir(parents=True, exist_ok=True)
    return FORMS[form](tree, network, out, calibration)


def graphs_of(tree: Tree, network: TrunkNetwork, calibration: Images | None) -> dict[str, Any]:
    from backbench.trunk.int8 import quantize_nodes

    graphs = node_graphs(tree, network)
    if calibration is None:
        return graphs
    return quantize_nodes(tree, graphs, calibration, {"per_channel": True, "reduce_range": halved(None)})


def as_graph(tree: Tree, network: TrunkNetwork, out: Path, calibration: Images | None) -> list[Path]:
    write_graph(tree, network, out / "model.onnx", calibration)
    return [out / "model.onnx"]


def write_graph(tree: Tree, network: TrunkNetwork, path: Path, calibration: Images | None = None) -> None:
    """The composed graph, checked."""
    import onnx

    onnx.save(compose(tree, graphs_of(tree, network, calibration)), path)
    onnx.checker.check_model(str(path))


def as_nodes(tree: Tree, network: TrunkNetwork, out: Path, calibration: Images | None) -> list[Path]:
    graphs = graphs_of(tree, network, calibration)
    write_nodes(out, tree, graphs, {"precision": "fp32" if calibration is None else "int8"})
    return [out / f"{name}.onnx" for name in graphs]


def as_torchscript(tree: Tree, network: TrunkNetwork, out: Path, calibration: Images | None) -> list[Path]:
    if calibration is not None:
        raise UsageError("form 'torchscript' has no int8; its integer kernels are ONNX Runtime's: form graph or nodes")
    import torch

    path = out / "model.pt"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\..*")
        torch.jit.save(torch.jit.freeze(torch.jit.script(folded(network)[0])), str(path))
    return [path]


FORMS: dict[str, Callable[[Tree, TrunkNetwork, Path, Images | None], list[Path]]] = {
    "graph": as_graph,
    "nodes": as_nodes,
    "torchscript": as_torchscript,
}
