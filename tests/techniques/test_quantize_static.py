"""Static quantization by each of its routes: what stands in the file, which images gave the ranges, what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from backbench.artefacts.artefact import Artefact
from backbench.data import load_dataset
from backbench.data.dataset import Split
from backbench.errors import BackbenchError, Skip
from backbench.models.build import default_preprocessing
from backbench.records.environment import host, saturates
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.techniques import calibration
from backbench.techniques.quantize_static import QuantizeStatic
from backbench.techniques.technique import Context
from prepared_artefacts import QUANTIZE, TRANSFORMER

Made = Callable[..., Artefact]


@pytest.fixture(scope="module")
def context(shared_cache: Path) -> Context:
    dataset = load_dataset(Choice(name="digits"), Settings(cache=shared_cache))
    return Context(dataset, default_preprocessing(Choice(name="resnet20"), dataset), seed=0)


def quantized(source: Path, target: Path, context: Context, **options: object) -> Context:
    mine = replace(context, notes={})
    QuantizeStatic.model_validate({"calibration": 16, **options}).apply_file(source, target, mine)
    return mine


def constants(path: Path) -> dict[str, TensorProto]:
    return {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}


def test_calibration_images_are_drawn_by_the_seed() -> None:
    drawn = calibration.places(1000, 64, seed=3)
    assert len(np.unique(drawn)) == 64
    np.testing.assert_array_equal(drawn, calibration.places(1000, 64, seed=3))
    assert not np.array_equal(drawn, calibration.places(1000, 64, seed=4))


def test_the_notes_list_the_images_and_their_hash(artefact: Made, context: Context, tmp_path: Path) -> None:
    made = quantized(artefact("onnxruntime").folder / "model.onnx", tmp_path / "out.onnx", context)
    indices = np.asarray(made.notes["calibration_indices"])
    assert len(np.unique(indices)) == made.notes["calibration_n"] == 16
    assert indices.max() < len(context.dataset.train)
    assert made.notes["calibration_sha256"] == hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()
    assert made.notes["calibration_name"] == f"digits/train, 16 of {len(context.dataset.train)} by seed 0"


def test_weights_are_int8_per_channel_and_activations_uint8(artefact: Made) -> None:
    made = artefact("onnxruntime", technique=QUANTIZE)
    graph = onnx.load(made.folder / "model.onnx").graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    widened = [node for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in held]
    kernels = {node.input[0]: held[node.input[1]] for node in widened if len(held[node.input[0]].dims) == 4}
    assert len(kernels) == 19
    assert {held[name].data_type for name in kernels} == {TensorProto.INT8}
    assert all(list(scale.dims) == [held[name].dims[0]] for name, scale in kernels.items())
    points = [held[node.input[2]].data_type for node in graph.node if node.op_type == "QuantizeLinear"]
    assert set(points) == {TensorProto.UINT8}


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_each_method_gives_a_graph(artefact: Made, context: Context, tmp_path: Path, method: str) -> None:
    source = artefact("onnxruntime").folder / "model.onnx"
    made = quantized(source, tmp_path / "out.onnx", context, method=method, per_channel=False)
    onnx.checker.check_model(str(tmp_path / "out.onnx"))
    assert made.notes["calibration_n"] == 16


def test_nncf_leaves_int8_weights_and_corrects_biases(artefact: Made, context: Context, tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    source = artefact("onnxruntime").folder / "model.onnx"
    made = quantized(source, tmp_path / "out.onnx", context, route="nncf")
    onnx.checker.check_model(str(tmp_path / "out.onnx"))
    kernels = [tensor for tensor in constants(tmp_path / "out.onnx").values() if len(tensor.dims) == 4]
    assert len(kernels) == 19
    assert {tensor.data_type for tensor in kernels} == {TensorProto.INT8}
    assert (made.notes["bias_correction"], made.notes["smooth_quant"]) == ("fast", False)


@pytest.mark.parametrize("route", ["onnxruntime", "nncf"])
@pytest.mark.parametrize(("reduced", "most"), [(True, 64), (False, 128)])
def test_the_reduced_range_is_that_of_7_bits(
    artefact: Made, context: Context, tmp_path: Path, route: str, reduced: bool, most: int
) -> None:
    if route == "nncf":
        pytest.importorskip("nncf")
    source = artefact("onnxruntime").folder / "model.onnx"
    quantized(source, tmp_path / "out.onnx", context, route=route, reduce_range=reduced)
    kernels = [tensor for tensor in constants(tmp_path / "out.onnx").values() if len(tensor.dims) == 4]
    largest = [int(np.abs(onnx.numpy_helper.to_array(tensor).astype(int)).max()) for tensor in kernels]
    assert most / 2 < max(largest) <= most


@pytest.mark.skipif(not saturates(host()), reason="this processor adds 8-bit products in 32 bits")
def test_what_saturates_here_does_not_in_the_reduced_range(artefact: Made, context: Context, tmp_path: Path) -> None:
    source = artefact("onnxruntime", model=TRANSFORMER)
    images = source.load_inputs()
    errors = []
    for reduced in (False, True):
        path = tmp_path / f"{reduced}.onnx"
        quantized(source.folder / "model.onnx", path, context, reduce_range=reduced)
        found = [
            logits(path, images, level) for level in ("ORT_ENABLE_ALL", "ORT_DISABLE_ALL")
        ]  # integers, then floats
        errors.append(float(np.abs(found[0] - found[1]).mean() / np.abs(found[1]).max()))
    assert errors[0] > 5 * errors[1], "the same graph, executed in integers and in floats"


def logits(path: Path, images: NDArray[np.float32], level: str) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: images})[0]
    return found


def test_nncf_knows_attention_when_it_sees_it(artefact: Made, context: Context, tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    source = artefact("onnxruntime", model=TRANSFORMER).folder / "model.onnx"
    made = quantized(source, tmp_path / "out.onnx", context, route="nncf")
    assert made.notes["smooth_quant"] is True
    assert TensorProto.INT8 in {tensor.data_type for tensor in constants(tmp_path / "out.onnx").values()}


def test_without_a_train_part_there_is_no_calibration(artefact: Made, context: Context, tmp_path: Path) -> None:
    empty = Split(context.dataset.train.images, np.empty(0, np.int64))
    bare = replace(context, dataset=replace(context.dataset, train=empty))
    with pytest.raises(Skip, match="no train part"):
        quantized(artefact("onnxruntime").folder / "model.onnx", tmp_path / "out.onnx", bare)


def test_more_images_than_there_are_is_refused(artefact: Made, context: Context, tmp_path: Path) -> None:
    with pytest.raises(BackbenchError, match=r"calibration=100000 is more than the [0-9]+ images in the train"):
        quantized(artefact("onnxruntime").folder / "model.onnx", tmp_path / "out.onnx", context, calibration=100_000)


def test_images_of_another_size_are_refused(artefact: Made, context: Context, tmp_path: Path) -> None:
    larger = context.preprocessing.model_copy(update={"size": (12, 10)})
    with pytest.raises(BackbenchError, match="calibration images are 1x12x10, and the network takes 1x8x8"):
        quantized(
            artefact("onnxruntime").folder / "model.onnx", tmp_path / "out.onnx", replace(context, preprocessing=larger)
        )
