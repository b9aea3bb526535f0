"""What people give it: files that are cut, foreign, or of another shape; networks that can't be exported."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx_files import classifier, with_weights_in

import backbench
from backbench.artefacts.artefact import Artefact
from backbench.artefacts.imported import fields_of, imported
from backbench.catalogue import resolve
from backbench.errors import DataError, UsageError, WeightsError
from backbench.runtimes import REGISTRY
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.spec.choice import Choice
from backbench.spec.study import expand, study_of

READERS = ["onnxruntime", "openvino"]


@pytest.fixture(params=READERS)
def runtime(request: pytest.FixtureRequest) -> str:
    if reason := REGISTRY.get(request.param).missing():
        pytest.skip(reason)
    return str(request.param)


def given(path: Path, cache: Path, runtime: str = "onnxruntime", **fields: Any) -> Artefact:
    cell = Cell.model_validate({"model": path.name, "dataset": "digits", "runtime": runtime, **fields})
    part = REGISTRY.get(runtime)
    return imported(path, cell, Settings(cache=cache), (part.format, *part.also))


def logits(artefact: Artefact, runtime: str) -> np.ndarray[Any, Any]:
    with REGISTRY.build(Choice(name=runtime)).open(artefact, "cpu", 1) as session:
        return session.predict(artefact.load_inputs()[: artefact.input[0] or 4])


def test_any_name_of_the_input_is_as_good(tmp_path: Path, cache: Path, runtime: str) -> None:
    made = given(classifier(tmp_path / "x.onnx", name="pixel_values"), cache, runtime)
    np.testing.assert_allclose(logits(made, runtime), made.load_reference()[:4], atol=1e-5)
    assert not made.trained
    assert len(made.load_inputs()) == 256


def test_free_sides_of_the_image_must_be_said(tmp_path: Path, cache: Path) -> None:
    path = classifier(tmp_path / "x.onnx", ("n", 1, "height", "width"))
    with pytest.raises(UsageError, match="say the free sides with --input"):
        given(path, cache)
    made = given(path, cache, input="1x1x12x10")
    assert made.input == (0, 1, 12, 10)
    assert made.load_inputs().shape[1:] == (1, 12, 10)


def test_an_input_that_the_graph_does_not_take_is_refused(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(UsageError, match="not --input 1x1x9x9"):
        given(classifier(tmp_path / "x.onnx"), cache, input="1x1x9x9")


def test_a_batch_that_it_was_not_exported_for_is_refused(tmp_path: Path, cache: Path, runtime: str) -> None:
    path = classifier(tmp_path / "x.onnx", (4, 1, 8, 8))
    with pytest.raises(WeightsError, match="exported for batches of 4, not of 1"):
        given(path, cache, runtime)
    made = given(path, cache, runtime, batch=4)
    with REGISTRY.build(Choice(name=runtime)).open(made, "cpu", 1) as session:
        assert session.predict(made.load_inputs()[:4]).shape == (4, 10)
        with pytest.raises(WeightsError, match="takes 4x1x8x8, not 3x1x8x8"):
            session.upload(made.load_inputs()[:3])


def test_several_inputs_are_named(tmp_path: Path, cache: Path) -> None:
    path = classifier(tmp_path / "x.onnx", inputs=["mask"])
    with pytest.raises(WeightsError, match=r"one float batch N × C × H × W; it takes input.*mask"):
        given(path, cache)


def test_weights_outside_the_files_folder_are_not_read(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "sent"
    folder.mkdir()
    secret = tmp_path / "secret.bin"
    for name in ("../secret.bin", str(secret), "sub/../../secret.bin"):
        path = with_weights_in(folder / "x.onnx", name, kept=secret)
        with pytest.raises(WeightsError, match="outside the folder of the file"):
            given(path, cache)
    (folder / "link.bin").symlink_to(secret)
    with pytest.raises(WeightsError, match="outside the folder of the file"):
        given(with_weights_in(folder / "x.onnx", "link.bin"), cache)


def test_weights_beside_the_file_are_read_and_missed_where_they_are_not(
    tmp_path: Path, cache: Path, runtime: str
) -> None:
    path = with_weights_in(tmp_path / "x.onnx", "x.weights", kept=tmp_path / "x.weights")
    made = given(path, cache, runtime)
    np.testing.assert_allclose(logits(made, runtime), made.load_reference()[:4], atol=1e-5)
    (tmp_path / "x.weights").unlink()
    with pytest.raises(WeightsError, match="is not there"):
        given(path, cache, runtime)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_truncated_file_is_told(tmp_path: Path, cache: Path, share: float) -> None:
    path = classifier(tmp_path / "x.onnx")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WeightsError, match="no whole ONNX file"):
        given(path, cache)


def test_a_custom_operator_is_named(tmp_path: Path, cache: Path) -> None:
    path = classifier(tmp_path / "x.onnx", node="Cube", domain="com.example")
    with pytest.raises(WeightsError, match="Cube"):
        given(path, cache)


def test_openvino_names_an_operator_that_it_does_not_know(tmp_path: Path, cache: Path) -> None:
    pytest.importorskip("openvino", reason="the package openvino is not installed")
    made = given(classifier(tmp_path / "x.onnx"), cache, "openvino")
    (made.folder / "model.onnx").unlink()
    classifier(made.folder / "model.onnx", node="Cube", domain="com.example")
    with pytest.raises(WeightsError, match="Cube"):
        REGISTRY.build(Choice(name="openvino")).open(made, "cpu", 1).compile((1, 1, 8, 8))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_openvino_reads_no_cut_file(tmp_path: Path, cache: Path, share: float) -> None:
    pytest.importorskip("openvino", reason="the package openvino is not installed")
    made = given(classifier(tmp_path / "x.onnx"), cache, "openvino")
    content = (made.folder / "model.onnx").read_bytes()
    (made.folder / "model.onnx").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WeightsError, match="openvino can't read the graph"):
        REGISTRY.build(Choice(name="openvino")).open(made, "cpu", 1)


def test_an_output_that_is_no_classifiers_is_told(tmp_path: Path, cache: Path) -> None:
    path = classifier(tmp_path / "x.onnx")
    model = onnx.load(path)
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("pooled", 1, ["n", 1, 1, 1]))
    onnx.save(model, path)
    with pytest.raises(WeightsError, match="must be N × classes"):
        given(path, cache)


def test_more_threads_than_the_machine_has_are_refused() -> None:
    many = (os.cpu_count() or 1) + 1
    study = study_of({"fixed": {"model": "resnet20", "dataset": "digits", "threads": many}})
    with pytest.raises(UsageError, match=f"threads: {many} is more than this machine's"):
        expand(study, resolve(Settings()))


def test_a_file_of_another_kind_needs_its_companion(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        fields_of(tmp_path / "x.onnx")
    (tmp_path / "x.pt").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"x\.pt\.json is not beside it"):
        fields_of(tmp_path / "x.pt")
    (tmp_path / "x.pt.json").write_text("{}")
    with pytest.raises(WeightsError, match="not what `backbench export` writes"):
        fields_of(tmp_path / "x.pt")


UNEXPORTABLE = """
import torch
from torch import library, nn

@library.custom_op("backbench_test::cube", mutates_args=())
def cube(x: torch.Tensor) -> torch.Tensor:
    return x * x * x

@cube.register_fake
def _(x):
    return torch.empty_like(x)

class Cubed(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layer = nn.Linear(64, classes)

    def forward(self, x):
        return self.layer(torch.ops.backbench_test.cube(x.flatten(1)))

def cubed(num_classes):
    return Cubed(num_classes)
"""


def test_an_operator_that_can_not_be_exported_is_named_and_stops_no_other_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cubed_net.py").write_text(UNEXPORTABLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    study = {
        "name": "bad",
        "fixed": {"model": "cubed_net:cubed", "dataset": "digits", "weights": "random", "protocol": "quick"},
        "axes": {"runtime": ["eager", "onnxruntime"]},
        "metrics": ["latency"],
    }
    records = backbench.run(study, tmp_path / "out")
    found = {record.cell.runtime.name: record for record in records}
    assert found["eager"].status == "ok"
    assert found["onnxruntime"].status == "failed"
    assert "backbench_test" in str(found["onnxruntime"].reason)
    assert "cube" in str(found["onnxruntime"].reason)


@pytest.fixture
def exported(tmp_path: Path, cache: Path) -> Callable[[], Path]:
    """A file of `backbench export`, of an untrained network on the digits."""
    path = tmp_path / "net.onnx"
    backbench.export("vit_mini:dim=16,depth=1,heads=2,mlp=1", to="onnx", out=path, dataset="digits")
    return lambda: path


def test_a_file_that_was_changed_on_the_way_is_told(exported: Callable[[], Path], tmp_path: Path, cache: Path) -> None:
    path = exported()
    fields = {name: value for name, value in fields_of(path).items() if name != "runtime"}
    cell = Cell.model_validate({**fields, "runtime": "onnxruntime"})
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(WeightsError, match=rf"\({len(content) - 100} of {len(content)} bytes\)"):
        imported(path, cell, Settings(cache=cache), ("onnx",))
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WeightsError, match="its SHA-256 is another"):
        imported(path, cell, Settings(cache=cache), ("onnx",))
    path.write_bytes(content)
    with pytest.raises(UsageError, match="runtime torchscript opens torchscript, not onnx"):
        imported(path, cell.model_copy(update={"runtime": Choice(name="torchscript")}), Settings(), ("torchscript",))
    other = cell.model_copy(update={"dataset": Choice.parse("random:size=8,channels=1,classes=10,n=300")})
    with pytest.raises(DataError, match="can't be made from dataset random"):
        imported(path, other, Settings(cache=cache), ("onnx",))
    about = json.loads((tmp_path / "net.onnx.json").read_text())
    about["files"].append({**about["files"][0], "name": "../elsewhere"})
    (tmp_path / "net.onnx.json").write_text(json.dumps(about))
    with pytest.raises(WeightsError, match="is no file beside it"):
        imported(path, cell, Settings(cache=cache), ("onnx",))


def test_a_wrong_ending_or_format_is_known_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.xml"):
        backbench.export("resnet20", to="openvino", out=tmp_path / "net.onnx", dataset="digits")
    with pytest.raises(UsageError, match="unknown format 'onx'; did you mean 'onnx'"):
        backbench.export("resnet20", to="onx", out=tmp_path / "net.onnx", dataset="digits")
    assert not list(tmp_path.glob("net*"))


def test_a_place_that_can_not_be_written_is_known_before_anything_is_made(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't be written"):
        backbench.export("resnet20", to="onnx", out=tmp_path / "file" / "net.onnx", dataset="digits")
    assert not cache.exists()
