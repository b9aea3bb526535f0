"""`backbench export` and `backbench run --artefact`, as a user has them: a file is made here and measured elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx_files import classifier

from backbench.artefacts.deployable import Deployable
from backbench.records.schema import Record
from backbench.runtimes import REGISTRY

NETWORK = "vit_mini:dim=16,depth=1,heads=2,mlp=1"
FORMATS = {
    "onnx": ("onnx", "onnxruntime"),
    "torchscript": ("pt", "torchscript"),
    "openvino": ("xml", "openvino"),
    "executorch": ("pte", "executorch"),
    "safetensors": ("safetensors", "eager"),
}
WITHOUT_TORCH = """
from importlib.machinery import PathFinder

ABSENT = ("torch", "torchvision", "timm", "onnx", "onnxscript", "safetensors", "openvino", "sklearn")
installed = PathFinder.find_spec

def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in ABSENT else installed(name, path, target)

PathFinder.find_spec = find_spec
"""


def backbench(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BACKBENCH_CACHE": str(folder / "cache"), **more}
    command = [sys.executable, "-m", "backbench", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def records(folder: Path) -> list[Record]:
    return [Record.model_validate_json(path.read_text()) for path in sorted((folder / "records").glob("*.json"))]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The machine that exports."""
    return tmp_path_factory.mktemp("here")


@pytest.mark.parametrize("to", FORMATS)
def test_a_file_is_exported_compared_and_measured_on_another_machine(to: str, here: Path, tmp_path: Path) -> None:
    ending, runtime = FORMATS[to]
    if reason := REGISTRY.get(runtime).missing():
        pytest.skip(reason)
    name = f"net.{ending}"
    done = backbench(here, "export", NETWORK, "--dataset", "digits", "--to", to, "--out", f"out/{name}")
    assert done.returncode == 0, done.stderr
    assert "largest error" in done.stdout
    about = Deployable.model_validate_json((here / "out" / f"{name}.json").read_text())
    assert about.comparison is not None
    assert about.comparison.passed
    assert about.comparison.n == 256
    assert about.comparison.max_error < 1e-3
    for part in (here / "out").iterdir():  # to another machine: another folder, another cache
        shutil.copy(part, tmp_path)
    done = backbench(tmp_path, "run", "--artefact", name, "--out", "run")
    assert done.returncode == 0, done.stdout + done.stderr
    [record] = records(tmp_path / "run")
    assert record.status == "ok"
    assert record.cell.runtime.name == runtime
    assert record.cell.model.name == "vit_mini"
    assert record.gate is not None
    assert record.gate.n == 256
    assert record.artefact is not None
    assert record.artefact["bytes"] == sum(file.bytes for file in about.files)
    assert {"load", "compile", "first"} <= set(record.measurements["latency"].samples[0].data)


def test_the_onnx_file_says_what_it_is(here: Path) -> None:
    import onnx

    done = backbench(here, "export", NETWORK, "--dataset", "digits", "--to", "onnx", "--out", "said.onnx", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["comparison"]["passed"]
    model = onnx.load(here / "said.onnx")
    onnx.checker.check_model(model)
    said = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert said["labels"] == list("0123456789")
    assert said["preprocessing"]["size"] == [8, 8]
    assert said["provenance"]["model"]["name"] == "vit_mini"
    assert next(entry.version for entry in model.opset_import if entry.domain == "") >= 17


def test_the_ir_and_the_script_say_what_they_are(here: Path) -> None:
    import torch

    pytest.importorskip("openvino", reason="the package openvino is not installed")
    import openvino

    for to, name in (("openvino", "said.xml"), ("torchscript", "said.pt"), ("safetensors", "said.safetensors")):
        done = backbench(here, "export", NETWORK, "--dataset", "digits", "--to", to, "--out", name)
        assert done.returncode == 0, done.stderr
    model = openvino.Core().read_model(str(here / "said.xml"))
    assert json.loads(model.get_rt_info(["backbench", "labels"]).astype(str)) == list("0123456789")
    from backbench.runtimes.torchscript import deprecated

    extra = {"backbench.json": ""}
    with deprecated():
        torch.jit.load(str(here / "said.pt"), _extra_files=extra)
    assert json.loads(extra["backbench.json"])["labels"] == list("0123456789")
    from safetensors import safe_open

    with safe_open(here / "said.safetensors", "np") as opened:
        assert json.loads(opened.metadata()["labels"]) == list("0123456789")


def test_a_foreign_file_is_measured_without_torch(here: Path, tmp_path: Path) -> None:
    """As `pip install backbench` has it: numpy and onnxruntime."""
    classifier(tmp_path / "theirs.onnx", ("n", 3, 16, 16))
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "sitecustomize.py").write_text(WITHOUT_TORCH)
    done = backbench(
        tmp_path, "run", "--artefact", "theirs.onnx", "--dataset", "random:size=16,classes=10,n=256",
        "--out", "run", PYTHONPATH=str(tmp_path / "absent"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    [record] = records(tmp_path / "run")
    assert record.status == "ok"
    assert record.cell.model.name == "theirs.onnx"
    assert record.predictions is None
    assert record.inputs["reference"].startswith("the graph itself")
    assert np.median(record.measurements["latency"].samples[0].values) > 0


@pytest.mark.parametrize(
    "asked",
    [("--technique", "quantize_aware"), ("-o", "fixed.technique=prune_channels"), ("-o", "axes.model=[resnet20]"),
     ("--weights", "random"), ("--recipe", "short")],
)  # fmt: skip
def test_a_finished_file_is_not_relabelled(tmp_path: Path, asked: tuple[str, str]) -> None:
    """Training with fake quantization can't happen in a frozen graph, so no record may say that it did."""
    classifier(tmp_path / "theirs.onnx", ("n", 3, 16, 16))
    done = backbench(
        tmp_path, "run", "--artefact", "theirs.onnx", "--dataset", "random:size=16", *asked, "--out", "run"
    )
    assert done.returncode == 2
    assert "finished file" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_foreign_file_wants_its_dataset_named(tmp_path: Path) -> None:
    classifier(tmp_path / "theirs.onnx", ("n", 3, 16, 16))
    done = backbench(tmp_path, "run", "--artefact", "theirs.onnx", "--out", "run")
    assert done.returncode == 2
    assert "--dataset is missing: theirs.onnx" in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_exported_file_keeps_the_input_and_seed_that_it_was_made_with(tmp_path: Path) -> None:
    made = backbench(tmp_path, "export", NETWORK, "--dataset", "digits", "--to", "onnx", "--out", "net.onnx")
    assert made.returncode == 0, made.stderr
    for asked in (("--input", "1x1x64x64"), ("--seed", "7")):
        done = backbench(tmp_path, "run", "--artefact", "net.onnx", *asked, "--out", "run")
        assert done.returncode == 2
        assert "finished file" in done.stderr


def test_a_study_and_a_file_are_not_measured_at_once(here: Path, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("fixed: {model: resnet20, dataset: digits}\n")
    done = backbench(tmp_path, "run", "study.yaml", "--artefact", "x.onnx")
    assert done.returncode == 2
    assert "can't be combined" in done.stderr
    done = backbench(tmp_path, "run", "--artefact", "x.onnx", "--dry-run")
    assert done.returncode == 2
    assert "nothing for --dry-run to foretell" in done.stderr
    done = backbench(tmp_path, "run", "--artefact", "x.onnx")
    assert done.returncode == 2
    assert "there is no such file" in done.stderr
