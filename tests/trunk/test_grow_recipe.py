"""Growing recipes: ours, the published hyper-parameter files, and what is wrong in one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from backbench.errors import SpecError, UnknownName, UsageError
from backbench.training.recipe import Recipe
from backbench.training.schedule import learning_rate
from backbench.trunk.family import flat, two_levels
from backbench.trunk.recipe import Joint, Phased, load_grow_recipe, names


@pytest.mark.parametrize("name", names())
def test_a_shipped_recipe_is_read_and_its_networks_fit(name: str) -> None:
    recipe = load_grow_recipe(name)
    assert recipe.name == name
    tree = two_levels(("a", "b", "c", "d"), [(0, 1), (2, 3)], (3, 32, 32), recipe.root, recipe.child, recipe.head)
    assert tree.shape_into("c1")[0] > 0
    assert flat(("a", "b"), (3, 32, 32), (*recipe.root, *recipe.child)).depth == 1


@pytest.mark.parametrize(
    ("name", "root", "rest", "epochs", "batch"),
    [("cifar10", 0.88, 1.02, (90, 250), 500), ("emnist", 1.2, 1.2, (5, 5), 128), ("svhn", 0.7, 0.7, (20, 20), 16)],
)
def test_the_published_files_are_recipes(
    test_data: Path, name: str, root: float, rest: float, epochs: tuple[int, int], batch: int
) -> None:
    recipe = load_grow_recipe(str(test_data / "trunk-upstream" / name / "hyperparameters.yaml"))
    assert isinstance(recipe, Phased)
    assert (recipe.phases("root").volatility, recipe.phases("n3").volatility) == (root, rest)
    assert (recipe.phases("root").classes.epochs, recipe.phases("root").groups.epochs) == epochs
    assert recipe.general.classes.batch == batch
    assert recipe.general.classes.optimizer == "adam"
    assert any("held-out" in note for note in recipe.notes)


def test_what_of_a_published_file_is_not_done_is_said(test_data: Path) -> None:
    recipe = load_grow_recipe(str(test_data / "trunk-upstream" / "cifar10" / "hyperparameters.yaml"))
    assert isinstance(recipe, Phased)
    assert any("RandAugment is left out" in note for note in recipe.notes)
    assert recipe.general.classes.augment.erase == 1.0


def step_recipe(**more: object) -> Recipe:
    return Recipe(**{"description": "a test's", "epochs": 60, "batch": 1, "lr": 1.0, **more})


def test_a_rate_that_drops_in_steps() -> None:
    recipe = step_recipe(schedule="step", step=20, gamma=0.1)
    assert [round(learning_rate(recipe, epoch * 7, 7), 6) for epoch in (0, 19, 20, 39, 40)] == [1, 1, 0.1, 0.1, 0.01]


def test_a_cosine_with_a_period_comes_back_up() -> None:
    recipe = step_recipe(schedule="cosine", period=10)
    assert [round(learning_rate(recipe, epoch * 7, 7), 6) for epoch in (0, 5, 10, 15, 20)] == [1, 0.5, 0, 0.5, 1]


def written(tmp_path: Path, **changes: object) -> str:
    content = yaml.safe_load((Path(__file__).parent / "joint.yaml").read_text())
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}))
    return str(path)


def test_a_recipe_of_ones_own(tmp_path: Path) -> None:
    recipe = load_grow_recipe(written(tmp_path, flat="digits-quick"))
    assert isinstance(recipe, Joint)
    assert recipe.flat.name == "digits-quick"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"method": "magic"}, "'magic' is none; allowed: phased, joint"),
        ({"root": ["convv:out=3"]}, "did you mean 'conv'"),
        ({"head": "softmax"}, "unknown trunk_head"),
        ({"teachr": {}}, "did you mean 'teacher'"),
        ({"candidates": 0}, "greater than or equal to 1"),
        ({"flat": "digits-quik"}, "digits-quick"),
        ({"joint": {"epochs": 0, "batch": 1, "lr": 1}}, "epochs"),
    ],
)
def test_what_is_wrong_in_a_recipe(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises((SpecError, UsageError), match=sentence):
        load_grow_recipe(written(tmp_path, **changes))


def test_a_volatility_is_positive(tmp_path: Path) -> None:
    phase = {"epochs": 1, "batch": 8, "lr": 0.1}
    content = {
        "method": "phased",
        "description": "a test's",
        "root": ["conv:out=4"],
        "child": ["conv:out=4"],
        "general": {"classes": phase, "groups": phase, "volatility": 0},
    }
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(SpecError, match=r"general\.volatility.*greater than 0"):
        load_grow_recipe(str(tmp_path / "r.yaml"))


def test_an_unknown_name_and_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'digits'"):
        load_grow_recipe("digitss")
    (tmp_path / "r.yaml").write_text("general: {}\ndataset: {}\n")
    with pytest.raises(SpecError, match="no published hyper-parameter file"):
        load_grow_recipe(str(tmp_path / "r.yaml"))
    (tmp_path / "r.yaml").write_text("- [")
    with pytest.raises(SpecError, match="no YAML"):
        load_grow_recipe(str(tmp_path / "r.yaml"))
    with pytest.raises(UsageError, match="can't be read"):
        load_grow_recipe(str(tmp_path / "none.yaml"))
