"""What is shipped computes what the network computes: one graph with If, one file a node, TorchScript; int8 nearly so."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from routed_networks import images, network
from small_trees import three_levels

from backbench.errors import BackbenchError, UsageError, WeightsError
from backbench.trunk.export import export
from backbench.trunk.graph import all_nodes, split, tree_in
from backbench.trunk.networks.routing import TrunkNetwork
from backbench.trunk.tree import Tree
from backbench.trunk.walk import NodeFiles

BATCHES = (1, 5, 64)


@pytest.fixture(scope="module", params=[0.0, 0.6])
def made(request: pytest.FixtureRequest) -> tuple[Tree, TrunkNetwork]:
    tree = three_levels(routing={"second": request.param})
    return tree, network(tree)


@pytest.fixture(scope="module")
def graph(made: tuple[Tree, TrunkNetwork], tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = export(*made, "graph", tmp_path_factory.mktemp("graph"))
    return path


def eager(net: TrunkNetwork, n: int) -> NDArray[np.float32]:
    with torch.inference_mode():
        return np.asarray(net(images(n)).numpy())


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("n", BATCHES)
def test_one_graph(made: tuple[Tree, TrunkNetwork], graph: Path, n: int) -> None:
    (found,) = session(graph).run(["logits"], {"input": images(n).numpy()})
    np.testing.assert_allclose(found, eager(made[1], n), atol=1e-4, rtol=1e-4)


def test_the_graph_branches_and_has_no_batch_norm(made: tuple[Tree, TrunkNetwork], graph: Path) -> None:
    model = onnx.load(graph)
    kinds = [node.op_type for node in all_nodes(model.graph)]
    assert kinds.count("If") == len(made[0].inner) - 1
    assert "BatchNormalization" not in kinds
    assert [node.op_type for node in model.graph.node].count("Conv") < kinds.count("Conv")
    assert tree_in(model) == made[0]


def test_a_composed_graph_comes_apart_again(made: tuple[Tree, TrunkNetwork], graph: Path) -> None:
    nodes = split(onnx.load(graph))
    assert tuple(nodes) == made[0].inner
    for model in nodes.values():
        onnx.checker.check_model(model)
    with pytest.raises(BackbenchError, match="not one of a tree"):
        split(onnx.ModelProto())


@pytest.mark.parametrize("n", BATCHES)
def test_one_file_a_node(made: tuple[Tree, TrunkNetwork], tmp_path: Path, n: int) -> None:
    files = export(*made, "nodes", tmp_path)
    assert [path.stem for path in files] == list(made[0].inner)
    found = NodeFiles(tmp_path).predict(images(n).numpy())
    np.testing.assert_allclose(found, eager(made[1], n), atol=1e-4, rtol=1e-4)


def test_node_files_are_loaded_when_they_are_needed_and_checked(tmp_path: Path) -> None:
    tree = three_levels()
    net = network(tree)
    export(tree, net, "nodes", tmp_path)
    nodes = NodeFiles(tmp_path)
    labels = eager(net, 64).argmax(1)
    nodes.predict(images(64).numpy()[labels == 0][:1])
    assert nodes.loaded == ("root",)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["nodes"]["c1"]["children"] == ["c2"]
    shutil.copy(tmp_path / "root.onnx", tmp_path / "c1.onnx")
    with pytest.raises(WeightsError, match="not the file that the manifest names"):
        nodes.predict(images(64).numpy())
    (tmp_path / "c1.onnx").unlink()
    with pytest.raises(WeightsError, match="file of node 'c1' is missing"):
        nodes.predict(images(64).numpy())
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="its format is None"):
        NodeFiles(tmp_path)


@pytest.mark.parametrize("n", BATCHES)
def test_torchscript(made: tuple[Tree, TrunkNetwork], tmp_path: Path, n: int) -> None:
    (path,) = export(*made, "torchscript", tmp_path)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\..*")
        found = torch.jit.load(path)(images(n)).numpy()
    np.testing.assert_allclose(found, eager(made[1], n), atol=1e-4, rtol=1e-4)


def test_int8_has_integer_products_in_every_node_and_agrees(tmp_path: Path) -> None:
    tree = three_levels()
    net = network(tree)
    (path,) = export(tree, net, "graph", tmp_path, images(256, seed=5).numpy())
    model = onnx.load(path)
    for name, node in split(model).items():
        kinds = [each.op_type for each in node.graph.node]
        assert kinds.count("QuantizeLinear") > 0, name
    (found,) = session(path).run(["logits"], {"input": images(64).numpy()})
    assert float((found.argmax(1) == eager(net, 64).argmax(1)).mean()) > 0.85
    export(tree, net, "nodes", tmp_path / "nodes", images(256, seed=5).numpy())
    again = NodeFiles(tmp_path / "nodes").predict(images(64).numpy())
    np.testing.assert_allclose(again, found, atol=1e-3, rtol=1e-3)


def test_a_form_that_is_none(tmp_path: Path) -> None:
    tree = three_levels()
    with pytest.raises(UsageError, match="allowed: graph, nodes, torchscript"):
        export(tree, network(tree), "tflite", tmp_path)
    with pytest.raises(UsageError, match="has no int8"):
        export(tree, network(tree), "torchscript", tmp_path, images(4).numpy())
