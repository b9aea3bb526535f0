"""Static int8 quantization of a tree, node by node: ONNX Runtime's quantizer doesn't look into an `If`.

Calibration images walk the fp32 tree, so each node's ranges come from what really reaches it; a node that fewer than
`FEW` images reach is calibrated on all of its parent's, for a range from three images is none. Weights int8 per channel, activations
uint8, as for every network here. Softmaxes and the walk stay in float.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench.registry import require
from backbench.techniques.routes.onnx_file import quiet
from backbench.techniques.routes.onnxruntime_int8 import METHODS, load, prepared
from backbench.trunk.graph import MARK, compose, split, tree_in
from backbench.trunk.tree import Tree
from backbench.trunk.walk import Arrays, opened, walk

FEW = 16
BATCH = 64
QUANTIZED = ["Conv", "Gemm", "MatMul"]


def quantize_file(
    source: Path, target: Path, batches: Any, *, per_channel: bool, method: str, reduce_range: bool
) -> None:
    """A composed graph with integer kernels in every node; `batches` is a calibration reader. Raises MissingDependency."""
    import onnx

    given = list(iter(batches.get_next, None))
    images = np.concatenate([array for batch in given for array in batch.values()])
    model = onnx.load(source)
    tree = tree_in(model)
    assert tree is not None
    options = {"per_channel": per_channel, "reduce_range": reduce_range}
    nodes = quantize_nodes(tree, split(model), images, options, method)
    plain = {name: without_prefix(graph, name) for name, graph in nodes.items()}
    target.write_bytes(compose(tree, plain).SerializeToString())


def quantize_nodes(
    tree: Tree, graphs: dict[str, Any], images: NDArray[np.float32], options: dict[str, bool], method: str = "minmax"
) -> dict[str, Any]:
    """Node → graph with QuantizeLinear and DequantizeLinear around its products; `options`: `per_channel`, `reduce_range`."""
    library = require("quantizing a tree", "onnxruntime.quantization", "onnxruntime", load)
    seen = reaching(tree, graphs, images)
    found = {}
    with tempfile.TemporaryDirectory(prefix="backbench-") as folder, quiet():
        for name, graph in graphs.items():
            found[name] = quantized(library, graph, seen[name], Path(folder), options, method)
    return found


def quantized(library: Any, graph: Any, inputs: Arrays, folder: Path, options: dict[str, bool], method: str) -> Any:
    import onnx

    source, target = folder / "node.onnx", folder / "int8.onnx"
    onnx.save(graph, source)
    library.quantize_static(
        str(prepared(source, folder)),
        str(target),
        Reader(inputs, [entry.name for entry in graph.graph.input]),
        quant_format=library.QuantFormat.QDQ,
        op_types_to_quantize=QUANTIZED,
        activation_type=library.QuantType.QUInt8,
        weight_type=library.QuantType.QInt8,
        calibrate_method=getattr(library.CalibrationMethod, METHODS[method]),
        **options,
    )
    return onnx.load(target)


class Reader:
    """A node's calibration inputs in batches, as onnxruntime reads them."""

    def __init__(self, inputs: Arrays, names: list[str]) -> None:
        self._batches = self._read(inputs, names)

    @staticmethod
    def _read(inputs: Arrays, names: list[str]) -> Iterator[dict[str, NDArray[Any]]]:
        for start in range(0, len(inputs["x"]), BATCH):
            yield {name: inputs[name.rpartition(MARK)[2]][start : start + BATCH] for name in names}

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._batches, None)


def reaching(tree: Tree, graphs: dict[str, Any], images: NDArray[np.float32]) -> dict[str, Arrays]:
    """Node → the inputs that these images give it."""
    ort = require("quantizing a tree", "onnxruntime", "onnxruntime")
    sessions = {name: opened(ort, graph.SerializeToString(), 1) for name, graph in graphs.items()}
    seen: dict[str, Arrays] = {}
    maps: dict[str, NDArray[Any]] = {}

    def run(name: str, inputs: Arrays) -> list[NDArray[Any]]:
        seen[name] = inputs
        session = sessions[name]
        outputs = session.run(
            None, {entry.name: inputs[entry.name.rpartition(MARK)[2]] for entry in session.get_inputs()}
        )
        parts = {
            entry.name.rpartition(MARK)[2]: value for entry, value in zip(session.get_outputs(), outputs, strict=True)
        }
        maps[name] = parts["maps"]
        return [parts[part] for part in ("maps", "chosen", "joint", "filled")]

    walk(tree, images, run)
    for name in tree.inner[1:]:
        if name not in seen or len(seen[name]["x"]) < FEW:
            before = maps[tree.parents[name]]
            zeros = np.zeros((len(before), len(tree.classes)), np.float32)
            run(name, {"x": before, "base": np.zeros(len(before), np.float32), "known": zeros})
    return seen


def without_prefix(graph: Any, name: str) -> Any:
    """The node's graph as `compose` takes it: the prefix that `split` left is taken off every name."""
    start = f"{name}{MARK}"

    def bare(text: str) -> str:
        return text.removeprefix(start)

    for node in graph.graph.node:
        node.name = bare(node.name)
        node.input[:] = [bare(text) for text in node.input]
        node.output[:] = [bare(text) for text in node.output]
    for entry in (*graph.graph.initializer, *graph.graph.input, *graph.graph.output, *graph.graph.value_info):
        entry.name = bare(entry.name)
    return graph
