from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.operators import operators, precision
from backbench.errors import BackbenchError, Skip, WeightsError
from backbench.measuring.gate import gate
from backbench.runtimes.onnxruntime import OnnxRuntime
from prepared_artefacts import QUANTIZE, TRANSFORMER

Made = Callable[..., Artefact]

TORCHLESS = """
import sys
from pathlib import Path
from backbench.artefacts.artefact import Artefact
from backbench.runtimes import REGISTRY
from backbench.spec.choice import Choice

artefact = Artefact.open(Path(sys.argv[1]))
with REGISTRY.build(Choice(name="onnxruntime")).open(artefact, "cpu", 1) as session:
    session.predict(artefact.load_inputs()[:2])
    session.executed()
print([name for name in ("torch", "onnx", "timm") if name in sys.modules])
"""


@pytest.fixture
def copied(artefact: Made, tmp_path: Path) -> Artefact:
    """An artefact whose file a test may break."""
    folder = tmp_path / "copied"
    shutil.copytree(artefact("onnxruntime").folder, folder)
    return Artefact.open(folder)


def test_its_process_holds_no_torch(artefact: Made) -> None:
    command = [sys.executable, "-c", TORCHLESS, str(artefact("onnxruntime").folder)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("model", ["resnet20", TRANSFORMER])
def test_int8_is_executed_in_integers_and_passes_its_gate(artefact: Made, model: str) -> None:
    made, runtime = artefact("onnxruntime", technique=QUANTIZE, model=model), OnnxRuntime(precision="int8")
    assert runtime.gate(made) == "int8"
    with runtime.open(made, "cpu", 1) as session:
        found = gate(session, made.load_inputs(), made.load_reference(), "int8", 32, trained=False)
        executed = session.executed()
    assert found.passed
    assert executed["precision"] == "int8"
    assert executed["integer_operators"] > executed["float_operators"]


def test_unfused_quantization_computes_in_float_and_says_so(artefact: Made) -> None:
    made = artefact("onnxruntime", technique=QUANTIZE)
    with OnnxRuntime(optimization="off").open(made, "cpu", 1) as session:
        executed = session.executed()
    assert executed["precision"] == "fp32"
    assert executed["float_operators"] > 0
    assert executed["quantizing_operators"] > 0


@pytest.mark.parametrize(("asked", "technique", "holds"), [("int8", "none", "fp32"), ("fp32", QUANTIZE, "int8")])
def test_a_precision_that_the_graph_does_not_hold_is_skipped(
    artefact: Made, asked: str, technique: str, holds: str
) -> None:
    runtime = OnnxRuntime.model_validate({"precision": asked})
    with pytest.raises(Skip, match=f"precision={asked} is asked for, and the graph holds {holds}"):
        runtime.open(artefact("onnxruntime", technique=technique), "cpu", 1)


@pytest.mark.parametrize("level", ["all", "extended", "basic", "off"])
def test_every_level_computes_the_same(artefact: Made, level: str) -> None:
    made = artefact("onnxruntime")
    with OnnxRuntime.model_validate({"optimization": level, "spinning": False}).open(made, "cpu", 1) as session:
        np.testing.assert_allclose(session.predict(made.load_inputs()[:8]), made.load_reference()[:8], atol=1e-4)
        assert session.executed()["optimization"] == level


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_no_crash(copied: Artefact, share: float) -> None:
    path = copied.folder / "model.onnx"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WeightsError, match="no whole ONNX file"):
        OnnxRuntime().open(copied, "cpu", 1)


def test_a_file_of_noise_is_no_crash(copied: Artefact) -> None:
    (copied.folder / "model.onnx").write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(WeightsError):
        OnnxRuntime().open(copied, "cpu", 1)


def test_another_input_shape_is_named(artefact: Made) -> None:
    with OnnxRuntime().open(artefact("onnxruntime"), "cpu", 1) as session:
        with pytest.raises(WeightsError, match="the graph takes Nx1x8x8, not 2x3x8x8"):
            session.upload(np.zeros((2, 3, 8, 8), np.float32))
        with pytest.raises(BackbenchError, match="not 1x8x8"):
            session.upload(np.zeros((1, 8, 8), np.float32))


def test_a_fixed_batch_is_kept_to(copied: Artefact) -> None:
    model = onnx.load(copied.folder / "model.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    onnx.save(model, copied.folder / "model.onnx")
    with OnnxRuntime().open(copied, "cpu", 1) as session:
        assert session.predict(copied.load_inputs()[:4]).shape == (4, 10)
        with pytest.raises(WeightsError, match="the graph takes 4x1x8x8, not 3x1x8x8"):
            session.upload(copied.load_inputs()[:3])


@pytest.mark.parametrize("technique", ["none", QUANTIZE])
def test_operators_are_read_as_the_onnx_package_reads_them(artefact: Made, technique: str) -> None:
    path = artefact("onnxruntime", technique=technique).folder / "model.onnx"
    nodes = [node.op_type for node in onnx.load(path).graph.node]
    assert operators(path) == {name: nodes.count(name) for name in set(nodes)}
    assert precision(operators(path)) == ("fp32" if technique == "none" else "int8")
