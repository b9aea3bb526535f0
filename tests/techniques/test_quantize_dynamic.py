"""Dynamic quantization touches matrix products only, and says where there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.operators import operators
from backbench.data import load_dataset
from backbench.errors import Skip
from backbench.models.build import default_preprocessing
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.techniques.quantize_dynamic import QuantizeDynamic
from backbench.techniques.technique import Context
from prepared_artefacts import TRANSFORMER

Made = Callable[..., Artefact]


@pytest.fixture(scope="module")
def context(shared_cache: Path) -> Context:
    dataset = load_dataset(Choice(name="digits"), Settings(cache=shared_cache))
    return Context(dataset, default_preprocessing(Choice(name="resnet20"), dataset), seed=0)


def test_every_product_with_a_constant_weight_is_an_integer_one(
    artefact: Made, context: Context, tmp_path: Path
) -> None:
    source = artefact("onnxruntime", model=TRANSFORMER).folder / "model.onnx"
    before = operators(source)
    QuantizeDynamic().apply_file(source, tmp_path / "out.onnx", replace(context, notes={}))
    after = operators(tmp_path / "out.onnx")
    assert after["MatMulInteger"] > 4
    assert after["MatMulInteger"] + after["MatMul"] == before["MatMul"] + before["Gemm"]
    assert after["Conv"] == before["Conv"]


def test_of_a_convolutional_network_only_the_head_changes(artefact: Made, context: Context, tmp_path: Path) -> None:
    source = artefact("onnxruntime").folder / "model.onnx"
    QuantizeDynamic().apply_file(source, tmp_path / "out.onnx", replace(context, notes={}))
    after = operators(tmp_path / "out.onnx")
    assert (after["MatMulInteger"], after["Conv"], after["ConvInteger"]) == (1, operators(source)["Conv"], 0)


def test_a_network_without_a_product_is_skipped(context: Context, tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in ("input", "logits")]
    graph = helper.make_graph([helper.make_node("Relu", ["input"], ["logits"])], "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), tmp_path / "in.onnx")
    with pytest.raises(Skip, match="this network has none"):
        QuantizeDynamic().apply_file(tmp_path / "in.onnx", tmp_path / "out.onnx", replace(context, notes={}))
