from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from onnx import TensorProto, helper, save
from torch import nn

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.cost import cost, file_parameters, module_macs, module_parameters
from backbench.artefacts.export import to_onnx
from backbench.artefacts.onnx_macs import count
from backbench.errors import BackbenchError
from backbench.models.build import build
from backbench.spec.choice import Choice
from prepared_artefacts import PRUNE, QUANTIZE, TRANSFORMER

Made = Callable[..., Artefact]


def test_resnet20_has_its_published_macs_by_both_counters(tmp_path: Path) -> None:
    """40.55 M at 3 × 32 × 32 (He et al. 2015, with projection-free shortcuts)."""
    model = build(Choice(name="resnet20"), num_classes=10, in_channels=3, input_size=(32, 32))
    to_onnx(model, (3, 32, 32), tmp_path, "cpu")
    assert sum(module_macs(model, (3, 32, 32)).values()) == pytest.approx(40.55e6, rel=1e-3)
    assert count(tmp_path / "model.onnx").total == pytest.approx(40.55e6, rel=1e-3)


def test_attention_is_counted_by_both(artefact: Made) -> None:
    found = artefact("onnxruntime", model=TRANSFORMER).cost
    assert found["counters"]["torch"] == found["counters"]["onnx"]
    assert found["disputed"] is None
    assert "Softmax" in found["uncounted"]


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
        nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2),
        nn.Sequential(nn.Flatten(), nn.Linear(4 * 8 * 8, 5)),
        nn.Linear(8, 3),
    ],
    ids=["conv", "transposed", "gemm", "matmul"],
)
def test_each_operator_agrees_with_torch(layer: nn.Module, tmp_path: Path) -> None:
    to_onnx(layer, (4, 8, 8), tmp_path, "cpu")
    assert count(tmp_path / "model.onnx").total == sum(module_macs(layer, (4, 8, 8)).values())


def test_einsum_multiplies_all_distinct_sides(tmp_path: Path) -> None:
    values = {"a": [2, 3, 4], "b": [2, 4, 5], "c": [2, 3, 5]}
    info = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in values.items()}
    node = helper.make_node("Einsum", ["a", "b"], ["c"], equation="nij,njk->nik")
    graph = helper.make_graph([node], "g", [info["a"], info["b"]], [info["c"]])
    save(helper.make_model(graph), tmp_path / "model.onnx")
    assert count(tmp_path / "model.onnx").total == 2 * 3 * 4 * 5


def test_counters_that_differ_are_disputed_with_their_operators(artefact: Made) -> None:
    exported = artefact("onnxruntime").folder / "model.onnx"
    wrong = Counter({"aten.convolution": 1})
    found = cost(wrong, exported)["disputed"]
    assert found is not None
    assert found["torch"] == {"aten.convolution": 1}
    assert found["onnx"]["Conv"] > 1


def test_a_network_that_can_not_be_exported_keeps_torchs_count(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return batch if float(batch.sum()) > 0 else -batch

    with pytest.raises(BackbenchError, match="the export to ONNX failed: ") as caught:
        to_onnx(Odd(), (1, 2, 2), tmp_path, "cpu")
    found = cost(Counter({"aten.mm": 7}), str(caught.value))
    assert found["counters"] == {"torch": 7}
    assert found["reason"] == str(caught.value)


def test_parameters_are_counted_as_stored() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[0.0, 1e-40, 1.0], [2.0, 3.0, 4.0]]))
        model[0].bias.fill_(1.0)
    model[1].requires_grad_(False)
    assert module_parameters(model) == {
        "stored": 12, "nonzero": 9, "trainable": 8, "subnormal": 1, "weights_bytes": 12 * 4 + 4 * 4 + 8,
    }  # fmt: skip


def test_a_masked_file_stores_as_much(artefact: Made) -> None:
    plain, pruned = artefact("onnxruntime"), artefact("onnxruntime", technique=PRUNE)
    assert pruned.parameters["stored"] == plain.parameters["stored"]
    assert pruned.parameters["nonzero"] < 0.52 * plain.parameters["nonzero"]
    assert file_parameters(pruned.folder / "model.onnx")["nonzero"] == pruned.parameters["nonzero"]


def test_verdicts_are_separate(artefact: Made) -> None:
    mask, int8 = artefact("onnxruntime", technique=f"{PRUNE}+{QUANTIZE}").evidence["steps"]
    assert mask["verdicts"] == {
        "fewer_parameters": "no", "more_zeros": "yes", "smaller_file": "no", "fewer_macs": "no",
    }  # fmt: skip
    assert mask["shapes_changed"] == {}
    assert int8["verdicts"]["smaller_file"] == "yes"
    assert int8["verdicts"]["fewer_parameters"] == "no"
    assert int8["verdicts"]["fewer_macs"] == "no"
    assert int8["child"]["quantizing_operators"] > 0
