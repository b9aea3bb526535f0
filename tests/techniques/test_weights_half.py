"""16-bit storage halves the weights' bytes, in a file and in a network, and changes outputs by rounding alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.onnx_macs import count
from backbench.data import load_dataset
from backbench.errors import BackbenchError
from backbench.models.build import build, default_preprocessing
from backbench.runtimes import REGISTRY as RUNTIMES
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.techniques.technique import Context
from backbench.techniques.weights_half import WeightsHalf
from prepared_artefacts import NETWORK, TRANSFORMER

Made = Callable[..., Artefact]


@pytest.fixture(scope="module")
def context(shared_cache: Path) -> Context:
    dataset = load_dataset(Choice(name="digits"), Settings(cache=shared_cache))
    return Context(dataset, default_preprocessing(Choice(name="resnet20"), dataset), seed=0)


@pytest.mark.parametrize("model", [NETWORK, TRANSFORMER])
@pytest.mark.parametrize(("dtype", "close"), [("fp16", 2e-3), ("bf16", 2e-2)])
def test_a_file_of_half_the_size_computes_the_same(artefact: Made, model: str, dtype: str, close: float) -> None:
    plain = artefact("onnxruntime", model=model)
    half = artefact("onnxruntime", model=model, technique=f"weights_half:dtype={dtype},route=file")
    assert half.parameters["weights_bytes"] < 0.51 * plain.parameters["weights_bytes"]
    assert half.parameters["stored"] == plain.parameters["stored"]
    saved = plain.parameters["weights_bytes"] - half.parameters["weights_bytes"]
    assert plain.bytes - half.bytes > 0.9 * saved, "the graph itself weighs a few bytes more"
    assert count(half.folder / "model.onnx").macs == count(plain.folder / "model.onnx").macs
    onnx.checker.check_model(str(half.folder / "model.onnx"))
    with RUNTIMES.build(Choice(name="onnxruntime")).open(half, "cpu", 1) as session:
        outputs, reference = session.predict(half.load_inputs()), half.load_reference()
        assert session.executed()["precision"] == "fp32"
    error = np.abs(outputs - reference).max() / np.abs(reference).max()
    assert 0 < error < close


@pytest.mark.parametrize("dtype", ["fp16", "bf16"])
def test_a_network_keeps_its_shape_and_its_count(artefact: Made, dtype: str) -> None:
    plain, half = artefact("eager"), artefact("eager", technique=f"weights_half:dtype={dtype},route=network")
    assert half.parameters["stored"] == plain.parameters["stored"]
    assert half.bytes < 0.6 * plain.bytes
    with RUNTIMES.build(Choice(name="eager")).open(half, "cpu", 1) as session:
        outputs = session.predict(half.load_inputs())
    reference = plain.load_reference()
    assert 0 < np.abs(outputs - reference).max() / np.abs(reference).max() < 2e-2


def test_a_weight_that_would_be_infinite_is_refused(context: Context) -> None:
    model = build(Choice(name="resnet20"), num_classes=10, in_channels=1, input_size=(8, 8))
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] = 1e5
    with pytest.raises(BackbenchError, match=r"fp16 ends at 6\.55e\+04; dtype=bf16"):
        WeightsHalf(route="network").apply(model, replace(context, notes={}))
    assert WeightsHalf(route="network", dtype="bf16").apply(model, replace(context, notes={})) is not model
