"""Finished trainings go from one cache to another, whole and unchanged, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backbench.cli import app
from backbench.errors import DataError
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.training.carried import carry_in, carry_out
from backbench.training.store import TrainedWeights, train_cached

MODEL, DIGITS = Choice(name="resnet20", options={"width": 4}), Choice(name="digits")


def trained(place: Path, told: list[str] | None = None) -> TrainedWeights:
    recipe = place.parent / "tiny.yaml"
    recipe.write_text("description: one epoch\nepochs: 1\nbatch: 64\nlr: 0.05\nprecision: fp32\n")
    tell = (lambda text: None) if told is None else told.append
    return train_cached(MODEL, DIGITS, str(recipe), seed=0, settings=Settings(cache=place), tell=tell)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> TrainedWeights:
    return trained(tmp_path_factory.mktemp("first") / "cache")


@pytest.fixture
def kept(first: TrainedWeights, tmp_path: Path) -> Path:
    carry_out(first.path.parents[2], tmp_path / "kept", largest=10**7)
    return tmp_path / "kept"


def test_carried_weights_need_no_training(first: TrainedWeights, kept: Path, tmp_path: Path) -> None:
    told: list[str] = []
    other = tmp_path / "other"
    assert [what for _, what in carry_in(kept, other)] == ["added"]
    assert [what for _, what in carry_in(kept, other)] == ["there already"]
    again = trained(other, told)
    assert told == []
    assert again.path.read_bytes() == first.path.read_bytes()
    assert again.about == first.about


def test_large_weights_stay_and_their_checksum_goes(first: TrainedWeights, tmp_path: Path) -> None:
    ((target, along),) = carry_out(first.path.parents[2], tmp_path / "kept", largest=1000)
    assert not along
    assert not (target / "weights.safetensors").exists()
    assert json.loads((target / "training.json").read_text())["weights_sha256"] == first.sha256
    assert carry_in(tmp_path / "kept", tmp_path / "other") == [(target, "without its weights")]
    assert not (tmp_path / "other" / "trained").exists()


def test_changed_weights_are_refused(kept: Path, tmp_path: Path) -> None:
    (weights,) = kept.glob("*/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=r"not the weights that its training\.json names"):
        carry_in(kept, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_training_under_anothers_key_is_refused(kept: Path, tmp_path: Path) -> None:
    (folder,) = kept.iterdir()
    folder.rename(kept / "0000000000000000")
    with pytest.raises(DataError, match=f"is that of {folder.name}"):
        carry_in(kept, tmp_path / "other")


def test_the_commands(first: TrainedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["cache", *arguments])
        return result.exit_code, result.output + str(result.exception or "")

    monkeypatch.setenv("BACKBENCH_CACHE", str(first.path.parents[2]))
    assert command("export", str(tmp_path / "kept"))[0] == 0
    assert "a number and one of B, KB" in command("export", str(tmp_path / "kept"), "--max-size", "much")[1]
    monkeypatch.setenv("BACKBENCH_CACHE", str(tmp_path / "new"))
    assert "no finished training" in command("export", str(tmp_path / "kept"))[1]
    assert "it holds no folder with a training.json" in command("import", str(tmp_path))[1]
    code, said = command("import", str(tmp_path / "kept"))
    assert (code, said) == (0, f"{tmp_path / 'kept' / first.path.parent.name}: added\n")
    assert " 1 entries" in command("size")[1]


def test_the_trainings_of_this_repository_are_whole(tmp_path: Path) -> None:
    kept = Path(__file__).parents[2] / "results" / "trained"
    added = carry_in(kept, tmp_path)
    assert len(added) == len([folder for folder in kept.iterdir() if folder.is_dir()])
    assert {said for _, said in added} == {"added"}
