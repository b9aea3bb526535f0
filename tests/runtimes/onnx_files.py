"""Small ONNX files as people send them: each with one thing that is not as it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDES: tuple[Any, ...] = ("batch", 1, 8, 8)


def classifier(path: Path, sides: tuple[Any, ...] = SIDES, name: str = "input", **changes: Any) -> Path:
    """Global average → Gemm to ten classes, as a file. `changes`: node (added in front), inputs (more of them)."""
    weights = np.random.default_rng(0).standard_normal((10, int(sides[1]))).astype(np.float32)
    first = name
    nodes, inputs = [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, sides)]
    if "node" in changes:
        nodes.append(helper.make_node(changes["node"], [first], ["made"], domain=changes.get("domain", "")))
        first = "made"
    nodes += [
        helper.make_node("GlobalAveragePool", [first], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights"], ["logits"], transB=1),
    ]
    inputs += [helper.make_tensor_value_info(other, TensorProto.FLOAT, SIDES) for other in changes.get("inputs", ())]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [sides[0], 10])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(weights, "weights")])
    imports = [
        helper.make_opsetid("", 18),
        *([helper.make_opsetid(changes["domain"], 1)] if "domain" in changes else []),
    ]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=9), path)
    return path


def with_weights_in(path: Path, location: str, kept: Path | None = None) -> Path:
    """The classifier with its weights in another file: `kept`, by the name `location` in the graph."""
    classifier(path)
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    raw = numpy_helper.to_array(tensor).tobytes()
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(raw)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(len(raw)))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(model.SerializeToString())
    return path
