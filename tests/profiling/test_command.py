"""`backbench profile` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backbench.cli import app
from backbench.errors import BackbenchError, UnknownName, UsageError

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)


def test_json_is_all_of_it_as_data(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        ["profile", "small_networks:plain", "--preset", "cifar", "--threads", "1", "--classes", "10", "--json",
         "--skip", "roofline", "--skip", "scaling", "--out", str(tmp_path)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)
    assert found["cell"]["input"] == [1, 3, 32, 32]
    assert found["structure"]["parameters"] == 554
    assert len(found["processes"]) == 5
    assert (tmp_path / "profile.html").is_file()


def test_a_size_that_fails_ends_with_exit_code_1(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["profile", "small_networks:valid", "--input", "1x3x8x8", "--threads", "1", "--out", str(tmp_path)]
    )
    assert done.exit_code == 1
    assert "the smallest that works is 13×13" in done.output


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["resnet18", "--preset", "citiscapes"], UnknownName, "cityscapes"),
        (["resnet18", "--skip", "block"], UsageError, "blocks"),
        (["resnet18", "--input", "3x1024x2048"], UsageError, "BATCHxCHANNELSxHEIGHTxWIDTH"),
        (["resnet81"], UsageError, "resnet18"),
        (["a.yaml", "resnet18"], UsageError, "name it alone"),
        (["resnet18", "--runtime", "onnx"], UsageError, "onnxruntime"),
    ],
)
def test_wrong_usage_is_told_before_anything_runs(
    arguments: list[str], error: type[BackbenchError], said: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, ["profile", *arguments, "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, error)
    assert said in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_techniques_are_refused(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(
        "fixed: {model: resnet20, dataset: digits, input: 1x1x8x8, technique: prune_unstructured}\nname: study\n"
    )
    done = CliRunner().invoke(app, ["profile", str(study), "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, UsageError)
    assert "techniques" in str(done.exception)
