"""One ONNX graph for the whole tree: a node's rows are gathered, and its network runs under an `If` where there are any.

    input → root → for each child with a network:
        rows = NonZero(chosen[:, child]);  If(rows) then gather → child (and what lies below it) → scatter, else as it was

So any batch runs, each child once with its rows, and children that no image goes to cost nothing. `split` takes such a
graph apart again: quantizers work on nodes, for they don't look into an `If`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from backbench.errors import BackbenchError
from backbench.trunk.layers import shape_behind
from backbench.trunk.node_graphs import INPUTS, OUTPUTS
from backbench.trunk.tree import ROOT, Tree, tree_of

TREE = "backbench.trunk"  # the metadata that holds the tree
MARK = "/"  # between a node's name and a name inside its graph


def compose(tree: Tree, nodes: dict[str, Any]) -> Any:
    """The whole graph (ModelProto) of these nodes' graphs."""
    from onnx import TensorProto, helper, numpy_helper

    prefixed = {name: with_prefix(model, name) for name, model in nodes.items()}
    count = len(tree.classes)
    body = Body()
    body.add("Identity", ["input"], f"{ROOT}/x")
    body.add("Shape", ["input"], "walk/n", start=0, end=1)
    body.constant("walk/classes", [count])
    body.add("Concat", ["walk/n", "walk/classes"], "walk/n_classes", axis=0)
    body.add("ConstantOfShape", ["walk/n"], f"{ROOT}/base")
    body.add("ConstantOfShape", ["walk/n_classes"], f"{ROOT}/known")
    result = emit(tree, ROOT, prefixed, body)
    body.add("Identity", [result], "logits")
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", *tree.input.shape])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", count])]
    weights = [tensor for model in prefixed.values() for tensor in model.graph.initializer]
    constants = [numpy_helper.from_array(array, name) for name, array in body.constants.items()]
    graph = helper.make_graph(body.nodes, "trunk", inputs, outputs, [*weights, *constants])
    opsets = {entry.domain: entry.version for model in prefixed.values() for entry in model.opset_import}
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    made = helper.make_model(graph, opset_imports=imports, ir_version=max(model.ir_version for model in nodes.values()))
    helper.set_model_props(made, {TREE: tree.text()})
    return made


class Body:
    """The nodes of a graph in their order; constants are the outermost graph's."""

    def __init__(self, constants: dict[str, Any] | None = None) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {} if constants is None else constants

    def add(self, kind: str, inputs: Iterable[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=f"{output}:{kind}", **attributes))
        return output

    def constant(self, name: str, values: Any) -> str:
        import numpy as np

        self.constants[name] = np.asarray(values, np.int64)
        return name


def emit(tree: Tree, name: str, models: dict[str, Any], body: Body) -> str:
    """Adds a node's network and what lies below it; the name of its rows' filled shares."""
    from onnx import TensorProto

    body.nodes.extend(models[name].graph.node)
    result = f"{name}/filled"
    if any(not tree.nodes[child].leaf for child in tree.nodes[name].children):
        # Which children have rows, once for all of them: each operator of a graph costs a call.
        body.add("Cast", [f"{name}/chosen"], f"walk/{name}/marks", to=TensorProto.FLOAT)
        first = body.constant("walk/zero", [0])
        body.add("ReduceMax", [f"walk/{name}/marks", first], f"walk/{name}/highest", keepdims=0)
        body.add("Cast", [f"walk/{name}/highest"], f"walk/{name}/visited", to=TensorProto.BOOL)
    for number, child in enumerate(tree.nodes[name].children):
        if not tree.nodes[child].leaf:
            result = branch(tree, name, number, child, models, body, result)
    return result


def branch(tree: Tree, name: str, number: int, child: str, models: dict[str, Any], body: Body, result: str) -> str:
    """Adds the `If` of one child; the name of the shares behind it."""
    from onnx import TensorProto, helper

    walk = f"walk/{child}"
    place = body.constant(f"{walk}/number", number)
    first = body.constant("walk/zero", [0])
    body.add("Gather", [f"walk/{name}/visited", place], f"{walk}/any")
    visited = Body(body.constants)
    visited.add("Gather", [f"{name}/chosen", place], f"{walk}/picked", axis=1)
    visited.add("NonZero", [f"{walk}/picked"], f"{walk}/places")
    visited.add("Squeeze", [f"{walk}/places", first], f"{walk}/rows")
    visited.add("Gather", [f"{name}/maps", f"{walk}/rows"], f"{child}/x", axis=0)
    visited.add("Gather", [f"{name}/joint", place], f"{walk}/share", axis=1)
    visited.add("Gather", [f"{walk}/share", f"{walk}/rows"], f"{child}/base", axis=0)
    visited.add("Gather", [result, f"{walk}/rows"], f"{child}/known", axis=0)
    filled = emit(tree, child, models, visited)
    second = visited.constant("walk/one", [1])
    visited.add("Unsqueeze", [f"{walk}/rows", second], f"{walk}/indices")
    visited.add("ScatterND", [result, f"{walk}/indices", filled], f"{walk}/then")
    passed = Body(body.constants)
    passed.add("Identity", [result], f"{walk}/else")
    shape: list[str | int | None] = [f"rows_of_{name}", len(tree.classes)]
    graphs = {
        f"{kind}_branch": helper.make_graph(
            part.nodes,
            f"{walk}:{kind}",
            [],
            [helper.make_tensor_value_info(f"{walk}/{kind}", TensorProto.FLOAT, shape)],
        )
        for kind, part in (("then", visited), ("else", passed))
    }
    return body.add("If", [f"{walk}/any"], f"{walk}/result", **graphs)


def with_prefix(model: Any, name: str) -> Any:
    """The node's graph with its name before every name inside it."""
    from onnx import compose as library

    return library.add_prefix(model, f"{name}{MARK}")


def tree_in(model: Any) -> Tree | None:
    """The tree that a composed graph holds; None for any other graph."""
    text = next((entry.value for entry in model.metadata_props if entry.key == TREE), None)
    return None if text is None else tree_of(json.loads(text), "the graph's tree")


def split(model: Any) -> dict[str, Any]:
    """The nodes' graphs of a composed one. Raises BackbenchError where it is none."""
    from onnx import helper

    tree = tree_in(model)
    if tree is None:
        raise BackbenchError("the ONNX file is not one of a tree")
    nodes = list(all_nodes(model.graph))
    found = {}
    for name in tree.inner:
        start = f"{name}{MARK}"
        own = [node for node in nodes if node.name.startswith(start) and not node.name.endswith(":Identity")]
        own = [node for node in own if not set(node.output) & {f"{start}{part}" for part in INPUTS}]
        weights = [tensor for tensor in model.graph.initializer if tensor.name.startswith(start)]
        inputs = [helper.make_tensor_value_info(start + part, kind, shape) for part, kind, shape in taken(tree, name)]
        outputs = [helper.make_tensor_value_info(start + part, kind, shape) for part, kind, shape in given(tree, name)]
        graph = helper.make_graph(own, name, inputs, outputs, weights)
        found[name] = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return found


def taken(tree: Tree, name: str) -> list[tuple[str, int, list[Any]]]:
    """A node's inputs: name, type, shape."""
    from onnx import TensorProto

    shapes: list[list[Any]] = [["rows", *tree.shape_into(name)], ["rows"], ["rows", len(tree.classes)]]
    return [(part, TensorProto.FLOAT, shape) for part, shape in zip(INPUTS, shapes, strict=True)]


def given(tree: Tree, name: str) -> list[tuple[str, int, list[Any]]]:
    """Its outputs."""
    from onnx import TensorProto

    node, count = tree.nodes[name], len(tree.nodes[name].children)
    maps = shape_behind(node.features, tree.shape_into(name))
    shapes: list[list[Any]] = [["rows", *maps], ["rows", count], ["rows", count], ["rows", len(tree.classes)]]
    kinds = [TensorProto.FLOAT, TensorProto.BOOL, TensorProto.FLOAT, TensorProto.FLOAT]
    return list(zip(OUTPUTS, kinds, shapes, strict=True))


def all_nodes(graph: Any) -> Iterable[Any]:
    """Those of the graph and of every graph inside it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from all_nodes(attribute.g)
