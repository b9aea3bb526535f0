"""The whole way through, as a user goes it: real processes, real training, real kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.records_builder import make_cell

import backbench
from backbench.errors import SpecError, UsageError
from backbench.records.schema import Record

NETS = """
from torch import nn

def small(num_classes, in_channels):
    return nn.Sequential(nn.Conv2d(in_channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(num_classes))

def flat(num_classes, in_channels, input_size):
    height, width = input_size
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * height * width, num_classes))

def broken(num_classes):
    raise RuntimeError("this network can't be built")
"""
RECIPE = "description: a test's\nepochs: 2\nbatch: 64\noptimizer: adamw\nlr: 0.01\nprecision: fp32\n"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a user's networks and recipe in it, and a cache that the tests of this file share."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "mynets.py").write_text(NETS)
    (folder / "tiny.yaml").write_text(RECIPE)
    return folder


def command(workplace: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "BACKBENCH_CACHE": str(workplace / "cache")}
    return subprocess.Popen(
        [sys.executable, "-m", "backbench", *arguments],
        cwd=workplace,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def study(workplace: Path, out: str, *more: str) -> tuple[int, str]:
    arguments = ("--dataset", "digits", "--recipe", "tiny.yaml", "--protocol", "quick", "--out", out, *more)
    process = command(workplace, "run", *arguments)
    printed, said = process.communicate(timeout=500)
    return process.returncode, printed + said


def records(folder: Path) -> list[Record]:
    return [Record.model_validate_json(path.read_text()) for path in sorted((folder / "records").glob("*.json"))]


def test_a_study_goes_from_names_to_a_report_and_fails_cell_by_cell(workplace: Path) -> None:
    code, text = study(
        workplace, "whole", "--model", "mynets:flat", "--model", "mynets:broken",
        "--runtime", "eager", "--runtime", "onnxruntime",
    )  # fmt: skip
    assert code == 1, text
    found = {(record.cell.model.name, record.cell.runtime.name): record for record in records(workplace / "whole")}
    assert len(found) == 4
    eager, onnx = found["mynets:flat", "eager"], found["mynets:flat", "onnxruntime"]
    assert eager.status == onnx.status == "ok", text
    assert all("can't be built" in str(found["mynets:broken", name].reason) for name in ("eager", "onnxruntime"))
    for record in (eager, onnx):
        assert record.record_id == record.content_hash()
        assert len(record.measurements["latency"].samples) == 5
        assert record.predictions is not None
        assert record.predictions.correct().mean() > 0.7
        assert record.gate is not None
        assert record.gate.n == 256
        assert record.gate.passed
        assert record.conditions is not None
        assert record.cost["counters"] == {"torch": 640, "onnx": 640}
        assert record.measurements["energy"].samples or record.measurements["energy"].reason
    assert (
        eager.predictions == onnx.predictions
        or abs(eager.predictions.correct().sum() - onnx.predictions.correct().sum()) <= 1
    )  # type: ignore[union-attr]
    assert onnx.executed["precision"] == "fp32"
    report = (workplace / "whole" / "report.md").read_text()
    assert "mynets:flat" in report
    assert "can't be built" in report
    assert (workplace / "whole" / "report.csv").read_text().count("\n") >= 5


def test_a_study_that_is_killed_three_times_is_complete_in_the_end(workplace: Path) -> None:
    out = workplace / "killed"
    arguments = (
        "run", "--dataset", "digits", "--recipe", "tiny.yaml", "--protocol", "quick", "--out", "killed",
        "--model", "mynets:flat", "--runtime", "eager", "--runtime", "onnxruntime",
    )  # fmt: skip
    for moment in ("checks/*.json", "samples/*/001.json", "rounds/002.json"):
        process = command(workplace, *arguments)
        wait_for(out, moment, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    kept = {path: path.read_text() for path in (out / "rounds").glob("*.json") if "canary" in path.read_text()}
    assert len(kept) >= 2
    process = command(workplace, *arguments)
    printed, said = process.communicate(timeout=300)
    assert process.returncode == 0, printed + said
    assert all(path.read_text() == text for path, text in kept.items()), "a closed round was measured again"
    found = records(out)
    assert [record.status for record in found] == ["ok", "ok"]
    for record in found:
        assert [sample.round for sample in record.measurements["latency"].samples] == [0, 1, 2, 3, 4]
        assert record.predictions is not None
    stamps = [path.stat().st_mtime_ns for path in sorted((out / "records").glob("*.json"))]
    process = command(workplace, *arguments)
    process.communicate(timeout=300)
    assert [path.stat().st_mtime_ns for path in sorted((out / "records").glob("*.json"))] == stamps


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    """Until such a file is there: the moment of the kill is a step of the study, not a time."""
    give_up = time.monotonic() + 300
    while not any(folder.glob(pattern)):
        if process.poll() is not None:
            pytest.fail(f"the study ended before {pattern}: {process.communicate()}")
        if time.monotonic() > give_up:
            process.kill()
            pytest.fail(f"{pattern} did not come")
        time.sleep(0.02)


def test_everything_wrong_is_said_at_once_before_anything_runs(workplace: Path) -> None:
    code, text = study(workplace, "never", "--model", "resnet21", "--runtime", "eager:precison=fp32", "--batch", "0")
    assert code == 2
    assert text.count("\n") == 3
    assert "did you mean" in text
    assert not (workplace / "never").exists()


def test_a_place_that_can_not_be_written_is_known_before_anything_runs(workplace: Path) -> None:
    (workplace / "file").write_text("")
    code, text = study(workplace, "file/run", "--model", "mynets:flat")
    assert code == 2
    assert "nothing can be written there" in text
    assert "Traceback" not in text


def test_the_dry_run_prints_cells_time_and_disk(workplace: Path) -> None:
    code, text = study(workplace, "dry", "--model", "resnet20", "--runtime", "onnxruntime", "--dry-run")
    assert code == 0
    assert "1 cells" in text
    assert "minutes" in text
    assert "MB" in text
    assert not (workplace / "dry").exists()


def test_the_public_functions_check_before_they_run() -> None:
    with pytest.raises(SpecError, match="did you mean"):
        backbench.measure("resnet21", dataset="digits")
    with pytest.raises(UsageError, match="importable by a fresh process"):
        backbench.measure(lambda num_classes: None, dataset="digits")
    with pytest.raises(UsageError, match="at least one folder"):
        backbench.write_report()


def test_a_record_is_shown_as_data(workplace: Path) -> None:
    path = next((workplace / "whole" / "records").glob("*.json"))
    process = command(workplace, "show", str(path), "--json")
    printed, _ = process.communicate(timeout=60)
    shown: dict[str, Any] = json.loads(printed)
    assert shown["record_id"] == json.loads(path.read_text())["record_id"]
    assert make_cell().id != shown["cell_id"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "mynets:small", "--dataset", "digits", "--weights", "torn.safetensors"),
        ("export", "mynets:small", "--dataset", "digits", "--weights", "torn.pt", "--to", "onnx", "--out", "f.onnx"),
        ("train", "mynets:small", "--dataset", "./torn-data", "--recipe", "tiny.yaml"),
        ("trunk", "show", "torn-tree"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_bad_input(workplace: Path, arguments: tuple[str, ...]) -> None:
    """One sentence and exit code 2, also where a process of its own found it."""
    for folder in ("torn-data", "torn-tree"):
        (workplace / folder).mkdir(exist_ok=True)
    for name in (
        "torn.safetensors",
        "torn.pt",
        "torn-data/train.parquet",
        "torn-data/test.parquet",
        "torn-tree/tree.json",
    ):
        (workplace / name).write_bytes(b"PK\x03\x04torn")
    process = command(workplace, *arguments)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 2, told
    assert "torn" in told
    assert "Traceback" not in told


def test_the_size_that_is_asked_for_is_trained_evaluated_and_predicted_at(workplace: Path) -> None:
    """One training serves all three: `flat` has weights for each pixel, so those of 8 × 8 would not fit."""
    network = ("mynets:flat", "--dataset", "digits", "--recipe", "tiny.yaml", "--input", "1x1x12x12")
    trained = command(workplace, "train", *network, "--json")
    printed, told = trained.communicate(timeout=300)
    assert trained.returncode == 0, told
    about = json.loads(printed)
    assert about["training"]["key"]["preprocessing"]["size"] == [12, 12]
    evaluated = command(workplace, "evaluate", *network, "--json")
    printed, told = evaluated.communicate(timeout=300)
    assert evaluated.returncode == 0, told
    assert json.loads(printed)["correct"] == about["test"]["correct"]
    Image.new("L", (8, 8)).save(workplace / "blank.png")
    predicted = command(workplace, "predict", "blank.png", "--model", *network, "--json")
    printed, told = predicted.communicate(timeout=300)
    assert predicted.returncode == 0, told
    assert len(json.loads(printed)[0]["classes"]) == 3
    finished = [json.loads(path.read_text()) for path in (workplace / "cache/trained").glob("*/training.json")]
    assert finished.count(about["training"]) == 1
    assert [one["key"]["preprocessing"]["size"] for one in finished].count([12, 12]) == 1
