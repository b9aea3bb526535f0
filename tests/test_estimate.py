"""What a study will train is counted once for each training, those inside a chain and of its teachers included."""

from __future__ import annotations

from backbench.catalogue import resolve
from backbench.estimate import training
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.spec.study import expand, study_of


def cells(**fields: object) -> list[Cell]:
    stated = {"model": "resnet20", "dataset": "digits", **fields}
    fixed = {key: value for key, value in stated.items() if not isinstance(value, list)}
    axes = {key: value for key, value in stated.items() if isinstance(value, list)}
    study = study_of({"fixed": fixed, "axes": axes})
    return [plan.cell for plan in expand(study, resolve(Settings()))]


def test_a_cell_without_a_recipe_trains_nothing() -> None:
    assert training(cells()) == "none"


def test_each_training_is_counted_once_over_runtimes() -> None:
    text = training(cells(recipe="digits-quick", runtime=["eager", "onnxruntime"]))
    assert text.startswith("1 × digits-quick (")


def test_trainings_inside_a_chain_are_counted_by_what_stands_before_them() -> None:
    chains = [
        "none",
        "prune_channels:ratio=0.3+finetune:recipe=short",
        "prune_channels:ratio=0.5+finetune:recipe=short",
        "prune_channels:ratio=0.5+finetune:recipe=short+prune_unstructured",
    ]
    text = training(cells(recipe="digits-quick", technique=chains, runtime=["eager", "onnxruntime"]))
    assert "1 × digits-quick (" in text
    assert "2 × short (" in text


def test_a_teacher_is_counted_once_for_all_its_students() -> None:
    chain = "distill:teacher=resnet56,teacher_recipe=digits-quick,recipe=short"
    text = training(cells(technique=chain, model=["resnet20", "vit_mini"]))
    assert "1 × digits-quick (" in text
    assert "2 × short (" in text
