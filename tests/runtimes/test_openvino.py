from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from backbench.artefacts.artefact import Artefact
from backbench.errors import Skip, SpecError, WeightsError
from backbench.measuring.gate import gate
from backbench.records.environment import host
from backbench.runtimes import REGISTRY
from backbench.runtimes.node_times import integer_share, node_times
from backbench.runtimes.openvino import OpenVino, OpenVinoSession, fallbacks
from backbench.spec.choice import Choice
from prepared_artefacts import QUANTIZE, TRANSFORMER

pytest.importorskip("openvino", reason="the package openvino is not installed")

Made = Callable[..., Artefact]
BF16 = bool({"avx512_bf16", "amx_bf16"} & set(host()["isa"]))


def opened(artefact: Artefact, runtime: str = "openvino", threads: int = 1) -> OpenVinoSession:
    session = REGISTRY.build(Choice.parse(runtime)).open(artefact, "cpu", threads)
    assert isinstance(session, OpenVinoSession)
    return session


def test_the_precision_is_fp32_unless_another_is_asked_for(artefact: Made) -> None:
    """OpenVINO's own default on a processor with bf16 instructions is bf16."""
    with opened(artefact("openvino")) as session:
        session.compile((1, 1, 8, 8))
        executed = session.executed()
    assert executed["precision"] == executed["precision_hint"] == "fp32"
    assert not any(name.startswith(("Convolution", "FullyConnected")) for name in executed["fallbacks"])
    assert all(name.endswith(" fp32") for name in executed["precisions"])


@pytest.mark.skipif(not BF16, reason="this processor has no bf16 instructions")
def test_bf16_is_executed_and_passes_its_own_gate(artefact: Made) -> None:
    made, runtime = artefact("openvino"), OpenVino(precision="bf16")
    assert runtime.gate(made) == "bf16"
    with runtime.open(made, "cpu", 1) as session:
        found = gate(session, made.load_inputs()[:64], made.load_reference()[:64], "bf16", 16, trained=False)
        assert session.executed()["precision"] == "bf16"
    assert found.passed
    assert found.max_error > 1e-5  # it did round


@pytest.mark.skipif(BF16, reason="this processor computes bf16")
def test_bf16_without_its_instructions_is_told_as_it_was_executed(artefact: Made) -> None:
    with opened(artefact("openvino"), "openvino:precision=bf16") as session:
        session.compile((1, 1, 8, 8))
        assert session.executed()["precision"] == "fp32"
        assert session.executed()["fallbacks"]


@pytest.mark.parametrize("model", ["resnet20", TRANSFORMER])
def test_int8_is_executed_in_integers_and_passes_its_gate(artefact: Made, model: str) -> None:
    made, runtime = artefact("openvino", technique=QUANTIZE, model=model), OpenVino(precision="int8")
    assert runtime.gate(made) == "int8"
    with runtime.open(made, "cpu", 1) as session:
        found = gate(session, made.load_inputs(), made.load_reference(), "int8", 32, trained=False)
        executed = session.executed()
    assert found.passed
    assert executed["precision"] == "int8"
    assert executed["integer_operators"] > executed["float_operators"]


def test_integers_are_asked_of_a_graph_that_holds_them(artefact: Made) -> None:
    with pytest.raises(Skip, match="precision=int8 is asked for, and the graph holds fp32"):
        opened(artefact("openvino"), "openvino:precision=int8")


def test_openvinos_own_spelling_is_the_same_cell() -> None:
    assert REGISTRY.resolve(Choice.parse("openvino:precision=f32")) == REGISTRY.resolve(
        Choice.parse("openvino:precision=fp32")
    )
    with pytest.raises(SpecError, match="precision"):
        REGISTRY.resolve(Choice.parse("openvino:precision=f64"))


@pytest.mark.parametrize(("options", "hint", "streams"), [("hint=latency", "LATENCY", 1), ("streams=1", "LATENCY", 1)])
def test_threads_streams_and_hint_are_read_back(artefact: Made, options: str, hint: str, streams: int) -> None:
    with opened(artefact("openvino"), f"openvino:{options}", threads=2) as session:
        session.compile((1, 1, 8, 8))
        executed = session.executed()
    assert (executed["hint"], executed["streams"], executed["devices"]) == (hint, streams, ["CPU"])
    assert executed["threads"] == 2


def test_it_is_compiled_for_each_shape_and_an_older_batch_still_runs(artefact: Made) -> None:
    made = artefact("openvino")
    with opened(made) as session:
        first = session.upload(made.load_inputs()[:2])
        second = session.upload(made.load_inputs()[:3])
        np.testing.assert_allclose(session.download(session.run(second)), made.load_reference()[:3], atol=1e-4)
        np.testing.assert_allclose(session.download(session.run(first)), made.load_reference()[:2], atol=1e-4)


def test_another_input_shape_is_named(artefact: Made) -> None:
    with opened(artefact("openvino")) as session, pytest.raises(WeightsError, match="takes Nx1x8x8, not 2x3x8x8"):
        session.upload(np.zeros((2, 3, 8, 8), np.float32))


def test_operators_tell_their_time_and_their_precision(artefact: Made) -> None:
    made = artefact("openvino", technique=QUANTIZE)
    times = node_times(made, "openvino", made.load_inputs()[:1], calls=5)
    assert all(time.seconds > 0 for time in times)
    assert {time.precision for time in times if time.kind == "Convolution"} == {"int8"}
    assert 0.3 < integer_share(times) <= 1
    plain = node_times(artefact("openvino"), "openvino", made.load_inputs()[:1], calls=5)
    assert integer_share(plain) == 0


def test_layers_in_another_precision_or_in_slow_kernels_are_fallbacks() -> None:
    layers = [
        ("Convolution", "int8", "brgconv_avx512_I8"),
        ("Convolution", "fp32", "jit_avx512_f32"),
        ("Softmax", "fp32", "jit_avx512_f32"),
        ("Split", "int8", "ref_I8"),
    ]
    assert fallbacks(layers, "int8") == {"Convolution fp32": 1, "Split ref_I8": 1}
