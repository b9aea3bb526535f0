"""Trained weights are found again, continued, and not believed when they were changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from backbench.errors import BackbenchError, DataError, SpecError, UnknownName, UsageError
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.training.recipe import load_recipe
from backbench.training.store import TrainedWeights, evaluate_on_test, train_cached
from backbench.trunk.family import two_levels

MODEL, DIGITS = Choice(name="resnet20", options={"width": 4}), Choice(name="digits")


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text("description: one epoch\nepochs: 1\nbatch: 64\nlr: 0.05\nprecision: fp32\n")
    return str(path)


def trained(recipe: str, seed: int = 0, model: Choice = MODEL) -> TrainedWeights:
    return train_cached(model, DIGITS, recipe, seed=seed, settings=Settings())


def test_the_same_training_is_done_once(recipe: str) -> None:
    first = trained(recipe)
    stamp = first.path.stat().st_mtime_ns
    again = trained(recipe)
    assert (again.path, again.path.stat().st_mtime_ns) == (first.path, stamp)
    assert trained(recipe, seed=1).path != first.path
    assert sorted(path.name for path in first.path.parent.iterdir() if path.name[0] != ".") == [
        "manifest.json",
        "requirements.lock",
        "training.json",
        "weights.safetensors",
    ]


def test_a_name_alone_finds_what_was_trained_with_its_defaults_written_down(recipe: str) -> None:
    written = Choice(name="resnet20", options={"width": 4, "shortcut": "a", "stem_stride": 1})
    assert trained(recipe, model=written).path == trained(recipe).path
    assert trained(recipe, model=Choice(name="resnet20", options={"width": 5})).path != trained(recipe).path


def test_the_provenance_is_whole(recipe: str) -> None:
    about = trained(recipe).about
    assert about["recipe"]["epochs"] == 1
    assert about["dataset"]["name"] == "digits"
    assert about["evaluations_on_test"] == 0
    assert about["selected_epoch"] == 1
    assert about["train_images"] + about["validation_images"] == 1797 - 359
    assert about["packages"]["torch"]


def test_the_test_part_is_read_once(recipe: str) -> None:
    weights = trained(recipe)
    first = evaluate_on_test(weights, MODEL, DIGITS, Settings())
    assert first[1] == 359
    found = trained(recipe)
    assert found.about["evaluations_on_test"] == 1
    assert evaluate_on_test(found, MODEL, DIGITS, Settings()) == first
    assert trained(recipe).about["evaluations_on_test"] == 1


def test_another_tree_at_the_same_path_is_another_training(recipe: str, tmp_path: Path) -> None:
    model = Choice(name="trunk", options={"tree": str(tmp_path / "tree.json")})
    paths = set()
    for width in (4, 6):
        layers = (f"conv:out={width}",)
        classes = tuple(map(str, range(10)))
        tree = two_levels(classes, [tuple(range(5)), tuple(range(5, 10))], (1, 8, 8), layers, layers)
        (tmp_path / "tree.json").write_text(tree.text())
        paths.add(trained(recipe, model=model).path)
    assert len(paths) == 2


def test_changed_weights_are_refused(recipe: str) -> None:
    weights = trained(recipe)
    weights.path.write_bytes(weights.path.read_bytes()[:-4] + b"beef")
    with pytest.raises(DataError, match="not the weights that were trained"):
        trained(recipe)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("epochs: 1", SpecError, "description"),
        ("description: x\nepochs: 0\nbatch: 1\nlr: 1", SpecError, "epochs"),
        ("description: x\nepoch: 1\nbatch: 1\nlr: 1", SpecError, "did you mean 'epochs'"),
        ("a: [", SpecError, "YAML"),
        ("- 1", SpecError, "mapping"),
    ],
)
def test_a_bad_recipe_is_one_sentence(tmp_path: Path, text: str, error: type[BackbenchError], words: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(error, match=words):
        load_recipe(str(path))


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'cifar10'"):
        load_recipe("cifar-10")
    with pytest.raises(UsageError):
        load_recipe("missing.yaml")
