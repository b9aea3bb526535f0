from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from torch import nn

from backbench.artefacts.artefact import Artefact
from backbench.data import load_dataset
from backbench.data.dataset import Split
from backbench.errors import Skip
from backbench.models.build import default_preprocessing
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.techniques.prune_unstructured import PruneUnstructured
from backbench.techniques.quantize_static import QuantizeStatic, calibration_indices
from backbench.techniques.technique import Context
from prepared_artefacts import QUANTIZE

Made = Callable[..., Artefact]


@pytest.fixture(scope="module")
def context(shared_cache: Path) -> Context:
    dataset = load_dataset(Choice(name="digits"), Settings(cache=shared_cache))
    return Context(dataset, default_preprocessing(Choice(name="resnet20"), dataset), seed=0)


def two_layers() -> nn.Sequential:
    """Ten weights each: the first layer's are 1…10, the second's 11…20."""
    model = nn.Sequential(nn.Linear(5, 2), nn.Linear(2, 5))
    with torch.no_grad():
        model[0].weight.copy_(torch.arange(1.0, 11.0).reshape(2, 5))
        model[1].weight.copy_(-torch.arange(11.0, 21.0).reshape(5, 2))
    return model


@pytest.mark.parametrize(("scope", "zeros"), [("global", [10, 0]), ("local", [5, 5])])
def test_the_smallest_weights_become_zero(context: Context, scope: str, zeros: list[int]) -> None:
    technique = PruneUnstructured.model_validate({"amount": 0.5, "scope": scope})
    notes = replace(context, notes={})
    pruned = technique.apply(two_layers(), notes)
    assert [int((layer.weight == 0).sum()) for layer in pruned] == zeros
    assert all(bool((layer.bias != 0).any()) for layer in pruned)
    assert notes.notes == {"prunable": 20, "zeros": 10}


def test_no_mask_stays_behind(context: Context) -> None:
    pruned = PruneUnstructured().apply(two_layers(), replace(context, notes={}))
    assert list(pruned.state_dict()) == list(two_layers().state_dict())


def test_calibration_images_are_drawn_by_the_seed() -> None:
    drawn = calibration_indices(1000, 64, seed=3)
    assert len(np.unique(drawn)) == 64
    np.testing.assert_array_equal(drawn, calibration_indices(1000, 64, seed=3))
    assert not np.array_equal(drawn, calibration_indices(1000, 64, seed=4))
    np.testing.assert_array_equal(calibration_indices(10, 64, seed=0), np.arange(10))


def test_weights_are_int8_per_channel_and_activations_uint8(artefact: Made) -> None:
    made = artefact("onnxruntime", technique=QUANTIZE)
    graph = onnx.load(made.folder / "model.onnx").graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    kernels = [
        held[node.input[0]] for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in held
    ]
    kernels = [tensor for tensor in kernels if len(tensor.dims) == 4]
    scales = {node.input[0]: held[node.input[1]] for node in graph.node if node.op_type == "DequantizeLinear"}
    assert len(kernels) == 19
    assert {tensor.data_type for tensor in kernels} == {TensorProto.INT8}
    assert all(list(scales[tensor.name].dims) == [tensor.dims[0]] for tensor in kernels)
    points = [held[node.input[2]].data_type for node in graph.node if node.op_type == "QuantizeLinear"]
    assert set(points) == {TensorProto.UINT8}


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_each_method_gives_a_graph(artefact: Made, context: Context, tmp_path: Path, method: str) -> None:
    technique = QuantizeStatic.model_validate({"calibration": 8, "method": method, "per_channel": False})
    notes = replace(context, notes={})
    technique.apply_file(artefact("onnxruntime").folder / "model.onnx", tmp_path / "out.onnx", notes)
    onnx.checker.check_model(str(tmp_path / "out.onnx"))
    assert notes.notes["calibration_n"] == 8
    assert notes.notes["calibration_part"] == "train"


def test_without_a_train_part_there_is_no_calibration(artefact: Made, context: Context, tmp_path: Path) -> None:
    empty = Split(context.dataset.train.images, np.empty(0, np.int64))
    bare = replace(context, dataset=replace(context.dataset, train=empty))
    with pytest.raises(Skip, match="no train part"):
        QuantizeStatic().apply_file(artefact("onnxruntime").folder / "model.onnx", tmp_path / "out.onnx", bare)
