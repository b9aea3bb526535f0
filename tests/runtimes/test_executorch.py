from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backbench.artefacts.artefact import Artefact
from backbench.errors import WeightsError
from backbench.runtimes.executorch import ExecuTorch
from backbench.runtimes.executorch_program import Program, add_graph
from prepared_artefacts import NETWORK, TRANSFORMER

Made = Callable[..., Artefact]
needs_executorch = pytest.mark.skipif(ExecuTorch.missing() is not None, reason=str(ExecuTorch.missing()))


@needs_executorch
def test_it_tells_what_xnnpack_took_and_what_it_left(artefact: Made) -> None:
    with ExecuTorch().open(artefact("executorch"), "cpu", 1) as session:
        executed = session.executed()
    assert executed["precision"] == "fp32"
    assert executed["delegated_operators"] > 20
    assert not any(name.startswith("executorch_prim") for name in executed["fallbacks"])
    assert executed["threads"] == 1
    assert executed["precisions"]["XNNConv2d fp32"] > 0
    with ExecuTorch().open(artefact("executorch", model=TRANSFORMER), "cpu", 1) as session:
        assert session.executed()["precisions"]["XNNFullyConnected fp32"] > 0


@needs_executorch
@pytest.mark.parametrize("model", [NETWORK, TRANSFORMER])
def test_a_batch_over_the_planned_one_is_refused(artefact: Made, model: str) -> None:
    with ExecuTorch().open(artefact("executorch", model=model), "cpu", 1) as session:
        largest = session.largest
        assert largest is not None
        assert 15 <= largest <= 64
        assert session.predict(np.zeros((largest, 1, 8, 8), np.float32)).shape == (largest, 10)
        with pytest.raises(WeightsError, match=f"takes up to {largest} times 1x8x8, not {largest + 1}x1x8x8"):
            session.upload(np.zeros((largest + 1, 1, 8, 8), np.float32))
        with pytest.raises(WeightsError, match="not 1x3x8x8"):
            session.upload(np.zeros((1, 3, 8, 8), np.float32))


@needs_executorch
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_truncated_program_is_no_crash(artefact: Made, tmp_path: Path, share: float) -> None:
    folder = tmp_path / "copied"
    shutil.copytree(artefact("executorch").folder, folder)
    content = (folder / "model.pte").read_bytes()
    (folder / "model.pte").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WeightsError, match="can't load this program"):
        ExecuTorch().open(Artefact.open(folder), "cpu", 1)


def test_a_quantized_graph_is_read_as_int8() -> None:
    """A value's number and a node's input are left out of the file where they are 0."""
    graph = {
        "xvalues": [
            {"xvalue_union": {"tensor_value": {"datatype": "xnn_datatype_qint8"}}},
            {"xvalue_union": {"datatype": "xnn_datatype_fp32", "id_out": 1}},
        ],
        "xnodes": [
            {"xnode_union_type": "XNNConv2d", "xnode_union": {"filter_id": 3}},
            {"xnode_union_type": "XNNSoftmax", "xnode_union": {"input_id": 1}},
            {"xnode_union_type": "_XNNFullyConnected", "xnode_union": {"input1_id": 1}},
        ],
    }
    found = Program()
    add_graph(found, graph)
    assert found.computing == {"XNNConv2d int8": 1, "XNNFullyConnected fp32": 1}
    assert found.precision == "int8"
    assert found.delegated.total() == 3
