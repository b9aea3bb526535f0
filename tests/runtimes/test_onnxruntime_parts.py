"""What is told to ONNX Runtime's providers, and what is read from its profiler: without a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backbench.errors import Skip, SpecError
from backbench.runtimes import REGISTRY
from backbench.runtimes.node_time import NodeTime, integer_share, precision_name
from backbench.runtimes.onnxruntime_profile import node_times, read_events
from backbench.runtimes.onnxruntime_providers import CPU, PROVIDERS, available
from backbench.spec.choice import Choice


def event(name: str, microseconds: float, operator: str, kind: str | None = "float") -> dict[str, Any]:
    inputs = [{kind: [1, 3]}] if kind else []
    told = {"op_name": operator, "provider": CPU, "input_type_shape": inputs}
    return {"cat": "Node", "name": f"{name}_kernel_time", "dur": microseconds, "args": told}


def test_an_operators_time_is_the_mean_of_its_last_calls() -> None:
    warm = [event("conv", 900, "Conv"), event("fc", 500, "QGemm", "uint8")]
    timed = [
        event("conv", 10, "Conv"),
        event("fc", 4, "QGemm", "uint8"),
        event("conv", 20, "Conv"),
        event("fc", 6, "QGemm"),
    ]
    found = node_times([*warm, *timed], calls=2)
    assert found == [
        NodeTime("conv", "Conv", "fp32", 15e-6, CPU),
        NodeTime("fc", "QGemm", "int8", 5e-6, CPU),
    ]
    assert integer_share(found) == pytest.approx(0.25)


def test_only_executions_of_operators_are_read() -> None:
    session = {"cat": "Session", "name": "model_run", "dur": 5, "args": {}}
    fence = {**event("conv", 1, "Conv"), "name": "conv_fence_before"}
    assert read_events([session, fence, event("conv", 1, "Conv")]) == [event("conv", 1, "Conv")]


@pytest.mark.parametrize(
    ("operator", "kind", "precision"),
    [
        ("Conv", "float", "fp32"),
        ("Conv", "float16", "fp16"),
        ("QLinearConv", "uint8", "int8"),
        ("MatMulInteger", "int8", "int8"),
        ("Transpose", "uint8", "int8"),
        ("Gather", "int64", "int64"),
        ("Constant", None, "unknown"),
    ],
)
def test_the_precision_is_that_of_the_kernel(operator: str, kind: str | None, precision: str) -> None:
    [found] = node_times([event("x", 1, operator, kind)], calls=1)
    assert found.precision == precision


def test_no_time_has_no_share() -> None:
    assert integer_share([]) == 0.0
    assert precision_name("BF16") == "bf16"
    assert precision_name("tf32") == "tf32"


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16", "fp16", "int8"])
def test_a_provider_is_always_told_its_precision(precision: str, tmp_path: Path) -> None:
    cuda = dict(PROVIDERS["cuda"].listed(precision, 1, 2, tmp_path))
    assert cuda == {"CUDAExecutionProvider": {"device_id": "1", "use_tf32": "0"}, CPU: {}}
    tensorrt = dict(PROVIDERS["tensorrt"].listed(precision, 0, 2, tmp_path))["TensorrtExecutionProvider"]
    asked = {name for name in ("fp16", "bf16", "int8") if tensorrt[f"trt_{name}_enable"] == "True"}
    assert asked == ({precision} & {"fp16", "bf16", "int8"})
    openvino = dict(PROVIDERS["openvino"].listed(precision, 0, 2, tmp_path))["OpenVINOExecutionProvider"]
    hint = json.loads(Path(openvino["load_config"]).read_text())["CPU"]["INFERENCE_PRECISION_HINT"]
    assert hint == {"bf16": "bf16", "fp16": "f16"}.get(precision, "f32")
    assert openvino["num_of_threads"] == "2"


def test_the_processors_own_provider_stands_alone(tmp_path: Path) -> None:
    assert PROVIDERS["cpu"].listed("fp32", 0, 1, tmp_path) == [(CPU, {})]


def test_a_provider_on_another_device_or_not_installed_is_skipped_with_what_to_install() -> None:
    import onnxruntime

    assert available("auto", "cpu").name == CPU
    with pytest.raises(Skip, match="provider=cuda computes on device cuda, not on cpu"):
        available("cuda", "cpu")
    with pytest.raises(Skip, match="provider=cpu computes on device cpu, not on cuda:1"):
        available("cpu", "cuda:1")
    for provider, package in (
        ("cuda", "onnxruntime-gpu"),
        ("tensorrt", "tensorrt"),
        ("openvino", "onnxruntime-openvino"),
    ):
        found = PROVIDERS[provider]
        if found.name in onnxruntime.get_available_providers():
            continue
        with pytest.raises(Skip, match=f"{found.name}.*pip install .*{package}"):
            available(provider, found.kind)


def test_a_precision_that_a_provider_does_not_convert_to_is_wrong_before_anything_runs() -> None:
    with pytest.raises(SpecError, match="needs a provider that converts: tensorrt or openvino"):
        REGISTRY.resolve(Choice.parse("onnxruntime:precision=bf16"))
    assert REGISTRY.resolve(Choice.parse("onnxruntime:precision=bf16,provider=openvino")).options["precision"] == "bf16"
