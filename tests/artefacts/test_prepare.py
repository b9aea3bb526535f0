from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.prepare import planned, prepare
from backbench.errors import BackbenchError, Skip, UsageError, WeightsError
from backbench.settings import Settings
from prepared_artefacts import PRUNE, QUANTIZE, cell_of, prepared

Made = Callable[..., Artefact]


def test_an_artefact_holds_what_its_runtime_and_the_gate_need(artefact: Made) -> None:
    made = artefact("eager")
    assert {file.name: file.deployable for file in made.files} == {
        "inputs.npy": False, "labels.npy": False, "reference.npy": False, "weights.safetensors": True,
    }  # fmt: skip
    assert made.load_inputs().shape == (256, 1, 8, 8)
    assert made.load_reference().shape == (256, 10)
    assert len(np.unique(made.load_inputs(), axis=0)) == 256
    assert made.bytes == (made.folder / "weights.safetensors").stat().st_size


def test_asked_for_again_it_is_found_and_nothing_is_made(artefact: Made, shared_cache: Path) -> None:
    made = artefact("onnxruntime")
    before = {path: path.stat().st_mtime_ns for path in shared_cache.rglob("*")}
    assert artefact("onnxruntime") == made
    assert {path: path.stat().st_mtime_ns for path in shared_cache.rglob("*")} == before


def test_made_anew_it_is_the_same(artefact: Made, tmp_path: Path) -> None:
    """Every file of eager's, and the exported weights: an export's text names no run."""
    first, second = artefact("eager"), prepared(cell_of("eager"), tmp_path)
    assert first.id == second.id
    assert first.files == second.files
    assert first.cost == second.cost


def test_masks_are_counted_by_the_graph_of_the_network_before_them(artefact: Made, tmp_path: Path) -> None:
    masks = "prune_unstructured:amount=0.5,scope=local"
    own = artefact("onnxruntime", technique=masks)  # the graph of the masked network itself
    prepared(cell_of("eager"), tmp_path)
    made = prepared(cell_of("eager", technique=masks), tmp_path)
    assert len([*(tmp_path / "exports").glob("[!.]*/model.onnx")]) == 1
    assert made.cost == own.cost
    assert made.cost["counters"]["onnx"] == made.cost["counters"]["torch"]


@pytest.mark.parametrize(
    "fields", [{"seed": 1}, {"technique": PRUNE}, {"input": "1x1x10x10"}, {"model": "resnet32"}], ids=str
)
def test_what_goes_in_decides_the_name(tmp_path: Path, fields: dict[str, str]) -> None:
    def key(**fields: str) -> dict[str, object]:
        return planned(cell_of(**fields), Settings(cache=tmp_path), lambda text: None).key

    assert key() == key()
    assert key(**fields) != key()


def test_the_content_of_weights_decides_the_name_and_not_their_place(artefact: Made, tmp_path: Path) -> None:
    weights = (artefact("eager").folder / "weights.safetensors").read_bytes()

    def key(name: str, content: bytes) -> dict[str, object]:
        (tmp_path / name).write_bytes(content)
        cell = cell_of(weights=str(tmp_path / name))
        return planned(cell, Settings(cache=tmp_path), lambda text: None).key

    assert key("a.safetensors", weights) == key("b.safetensors", weights)
    assert key("a.safetensors", weights[:-1] + b"?") != key("b.safetensors", weights)


def test_given_weights_are_loaded_and_count_as_trained(artefact: Made, tmp_path: Path) -> None:
    random = artefact("eager")
    assert not random.trained
    given = artefact("eager", weights=str(random.folder / "weights.safetensors"), seed=5)
    assert given.trained
    np.testing.assert_array_equal(given.load_reference(), random.load_reference())


def test_weights_that_are_missing_or_of_another_network_are_refused(artefact: Made, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no file"):
        artefact("eager", weights=str(tmp_path / "none.safetensors"))
    other = str(artefact("eager").folder / "weights.safetensors")
    with pytest.raises(WeightsError, match="another network"):
        artefact("eager", model="mobilenetv2_small", weights=other)


def test_the_input_option_decides_the_size(artefact: Made) -> None:
    made = artefact("eager", input="4x3x12x10")
    assert made.load_inputs().shape == (256, 3, 12, 10)
    assert made.input == (0, 3, 12, 10)


def test_the_exported_file_explains_itself(artefact: Made) -> None:
    made = artefact("onnxruntime")
    props = {entry.key: entry.value for entry in onnx.load(made.folder / "model.onnx").metadata_props}
    assert set(props) >= {"labels", "preprocessing", "provenance"}
    assert made.id in props["provenance"]
    assert made.opset is not None
    assert made.opset >= 17


def test_batch_norm_is_folded_in_the_file(artefact: Made) -> None:
    operators = [node.op_type for node in onnx.load(artefact("onnxruntime").folder / "model.onnx").graph.node]
    assert "BatchNormalization" not in operators
    assert operators.count("Conv") == 19


def test_the_int8_file_is_about_a_quarter(artefact: Made) -> None:
    whole, quarter = artefact("onnxruntime"), artefact("onnxruntime", technique=QUANTIZE)
    assert quarter.bytes / whole.bytes == pytest.approx(0.25, abs=0.1)
    assert quarter.parameters["stored"] == whole.parameters["stored"]
    assert quarter.parameters["weights_bytes"] < 0.26 * whole.parameters["weights_bytes"]


def test_the_reference_stops_before_the_quantizing_step(artefact: Made) -> None:
    pruned = artefact("onnxruntime", technique=PRUNE).load_reference()
    both = artefact("onnxruntime", technique=f"{PRUNE}+{QUANTIZE}").load_reference()
    np.testing.assert_array_equal(both, pruned)
    assert not np.array_equal(pruned, artefact("onnxruntime").load_reference())


def test_what_can_not_be_is_refused(tmp_path: Path, artefact: Made) -> None:
    with pytest.raises(Skip, match="exported file"):
        artefact("eager", technique=QUANTIZE)
    with pytest.raises(UsageError, match="this order works"):
        artefact("onnxruntime", technique=f"{QUANTIZE}+{PRUNE}")
    with pytest.raises(BackbenchError, match="nothing exports to the format 'tflite'"):
        prepare(cell_of(), Settings(cache=tmp_path), lambda text: None, format="tflite")
