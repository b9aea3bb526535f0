"""Multiply-accumulates of an ONNX graph, counted from its operators and their shapes: the second counter (rule 16).

One MAC is one multiplication with its addition. Counted are Conv, ConvTranspose, Gemm, MatMul and Einsum, attention's products among them:
torch's exporter writes attention as MatMul and Softmax. Additions of biases, norms, activations and pooling are not counted, as the field
does not; every operator that computes and is not counted is listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

Shape = tuple[int, ...]
Shapes = dict[str, Shape]

# Moving and describing data is no computation.
FREE = frozenset(
    [
        "Cast",
        "Concat",
        "Constant",
        "ConstantOfShape",
        "DepthToSpace",
        "Expand",
        "Flatten",
        "Gather",
        "GatherND",
        "Identity",
        "Pad",
        "Range",
        "Reshape",
        "Shape",
        "Size",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "Tile",
        "Transpose",
        "Unsqueeze",
        "Where",
        "QuantizeLinear",
        "DequantizeLinear",
        "Dropout",
    ]
)


@dataclass
class Count:
    """MACs by operator, and the operators that compute without being counted, each with how often it stands there."""

    macs: Counter[str] = field(default_factory=Counter)
    uncounted: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.macs.values())


def count(path: Path) -> Count:
    """MACs of one image."""
    graph = inferred(path).graph
    shapes, found = shapes_of(graph), Count()
    for node in graph.node:
        if node.op_type not in COUNTED:
            found.uncounted[node.op_type] += node.op_type not in FREE
            continue
        try:
            found.macs[node.op_type] += COUNTED[node.op_type](node, shapes)
        except KeyError:  # a shape that inference could not tell
            found.uncounted[f"{node.op_type} (shape unknown)"] += 1
    found.uncounted += Counter()  # drops what was counted zero times
    return found


def inferred(path: Path) -> Any:
    """The graph for a batch of one, with every shape that ONNX's inference finds; weights stay where they lie."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    batch = {dim.dim_param for value in model.graph.input for dim in value.type.tensor_type.shape.dim if dim.dim_param}
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in batch:
                dim.dim_value = 1
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def shapes_of(graph: Any) -> Shapes:
    """Name → shape of every value whose sides are all known."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        sides = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(side.HasField("dim_value") for side in sides):
            shapes[value.name] = tuple(side.dim_value for side in sides)
    return shapes


def convolution(node: Any, shapes: Shapes) -> int:
    """Each output element sums over the kernel and the input channels of its group: weight is M × C/g × kernel."""
    return prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])


def transposed(node: Any, shapes: Shapes) -> int:
    """Each input element is spread over the kernel and the output channels of its group: weight is C × M/g × kernel."""
    return prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])


def gemm(node: Any, shapes: Shapes) -> int:
    swapped = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if swapped else 1]


def matmul(node: Any, shapes: Shapes) -> int:
    """N-dimensional: each output element sums over the last side of the left factor."""
    return prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]


def einsum(node: Any, shapes: Shapes) -> int:
    """The product of all distinct sides of two factors; an ellipsis is not counted."""
    equation = next(attribute.s.decode() for attribute in node.attribute if attribute.name == "equation")
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    if "..." in equation or len(terms) != 2:
        raise KeyError(equation)
    sides: dict[str, int] = {}
    for term, name in zip(terms, node.input, strict=True):
        sides.update(zip(term, shapes[name], strict=True))
    return prod(sides.values())


COUNTED: dict[str, Callable[[Any, Shapes], int]] = {
    "Conv": convolution,
    "ConvTranspose": transposed,
    "Gemm": gemm,
    "MatMul": matmul,
    "Einsum": einsum,
}
