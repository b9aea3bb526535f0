"""Training in a chain: what is learnt is kept, found again and continued; masks outlive it; a teacher is heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from backbench.artefacts.artefact import Artefact
from backbench.catalogue import resolve
from backbench.data.dataset import Split
from backbench.errors import Skip, SpecError, UnknownName, UsageError
from backbench.models import REGISTRY as MODELS
from backbench.settings import Settings
from backbench.spec.choice import Choice, parse_chain
from backbench.spec.study import expand, study_of
from backbench.techniques import REGISTRY
from backbench.techniques.chain import checked_chain
from backbench.techniques.distill import Distill
from backbench.techniques.finetune import Finetune
from backbench.techniques.prune_unstructured import PruneUnstructured
from backbench.techniques.technique import Context
from backbench.training.batches import Pixels
from backbench.training.distillation import Blend, Teacher
from backbench.training.evaluate import accuracy
from backbench.training.further import Further, content, train_further
from backbench.training.recipe import Recipe
from digits_context import SMALL, digits_context, images, network

Made = Callable[..., Artefact]
RECIPE = "description: a test's\nepochs: 2\nbatch: 64\nlr: 0.05\nwarmup: 0.5\nweight_decay: 0.01\nprecision: fp32\n"
NET = "resnet20:width=4"


class Kill(Exception):
    """The moment at which a training is killed."""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture
def context(cache: Path) -> Context:
    return digits_context(cache)


def equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


def seen(model: nn.Module, context: Context) -> float:
    return accuracy(model, Pixels(context.dataset.validation, context.preprocessing))


def test_it_learns_and_says_how(recipe: str, context: Context) -> None:
    model = network(NET)
    trained = Finetune(recipe=recipe).apply(model, context)
    about = context.notes["training"]
    assert seen(trained, context) == about["validation_accuracy"] > seen(model, context) + 0.2
    assert about["validation_before"] == seen(model, context)
    assert about["recipe"]["epochs"] == len(about["curve"]) == 2
    assert not trained.training


def test_a_training_that_only_harms_changes_nothing(recipe: str, context: Context, tmp_path: Path) -> None:
    learnt = Finetune(recipe=recipe).apply(network(NET), context)
    harm = tmp_path / "harm.yaml"
    harm.write_text(RECIPE.replace("lr: 0.05", "optimizer: adamw\nlr: 3"))
    later = replace(context, notes={})
    assert equal(Finetune(recipe=str(harm)).apply(learnt, later), learnt)
    about = later.notes["training"]
    assert about["selected_epoch"] == 0
    assert about["start"] == about["validation_accuracy"] == seen(learnt, context)
    assert max(entry["validation"] for entry in about["curve"]) < about["start"]


def test_asked_for_again_it_is_not_trained_again(recipe: str, context: Context) -> None:
    first = Finetune(recipe=recipe).apply(network(NET), context)
    told: list[str] = []
    again = Finetune(recipe=recipe).apply(network(NET), replace(context, notes={}, progress=told.append))
    assert equal(first, again)
    assert told == []


def test_it_continues_where_it_was_killed(recipe: str, context: Context, tmp_path: Path) -> None:
    def killed(text: str) -> None:
        raise Kill

    with pytest.raises(Kill):
        Finetune(recipe=recipe).apply(network(NET), replace(context, progress=killed))
    told: list[str] = []
    resumed = Finetune(recipe=recipe).apply(network(NET), replace(context, notes={}, progress=told.append))
    assert [text for text in told if "epoch 1/2" in text] == []
    other = replace(context, notes={}, settings=Settings(cache=tmp_path / "other"))
    assert equal(resumed, Finetune(recipe=recipe).apply(network(NET), other))


@pytest.mark.parametrize("change", ["network", "seed", "recipe", "teacher"])
def test_what_it_is_made_from_decides_where_it_is_kept(change: str, context: Context) -> None:
    base = Further(
        network(NET), context.dataset, context.preprocessing, Recipe(name="a", description="", epochs=1, batch=8, lr=1),
        0, context.settings,
    )  # fmt: skip
    others: dict[str, dict[str, Any]] = {
        "network": {"network": network(NET, seed=1)},
        "seed": {"seed": 1},
        "recipe": {"recipe": base.recipe.model_copy(update={"lr": 2})},
        "teacher": {"teacher": Teacher(network(NET), {"model": "x"})},
    }
    renamed = replace(base, recipe=base.recipe.model_copy(update={"name": "b", "description": "other words"}))
    assert renamed.key() == base.key() != replace(base, **others[change]).key()


def test_structure_is_part_of_a_networks_content() -> None:
    """Three heads of 16 and four of 12 have tensors of the same shapes."""
    three, four = (network(f"vit_mini:dim=48,depth=1,heads={heads}") for heads in (3, 4))
    assert equal(three, four)
    assert content(three) != content(four)
    assert content(three) == content(network("vit_mini:dim=48,depth=1,heads=3"))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_zeros_of_a_mask_outlive_the_training(context: Context, optimizer: str) -> None:
    masked = PruneUnstructured(amount=0.5).apply(network(NET), context)
    how = Recipe(
        name="x", description="", epochs=1, batch=64, lr=0.01, optimizer=optimizer, weight_decay=0.1, ema=0.9,
        precision="fp32",
    )  # fmt: skip
    wanted = Further(masked, context.dataset, context.preprocessing, how, 0, context.settings, hold_zeros=True)
    trained, _ = train_further(wanted)
    for name, weight in masked.named_parameters():
        if weight.dim() >= 2:
            after = trained.get_parameter(name)
            assert bool((after[weight == 0] == 0).all())
            assert not torch.equal(after, weight)


def test_the_chain_says_that_there_are_masks(recipe: str, context: Context) -> None:
    masked = PruneUnstructured(amount=0.5).apply(network(NET), context)
    later = replace(context, notes={}, earlier=({"notes": context.notes},))
    Finetune(recipe=recipe).apply(masked, later)
    assert later.notes["zeros_held"] >= context.notes["zeros"]
    free = replace(context, notes={})
    Finetune(recipe=recipe).apply(masked, free)
    assert free.notes["zeros_held"] == 0


def test_the_network_before_the_chain_teaches(recipe: str, context: Context) -> None:
    parent = network(NET, seed=3)
    taught = Finetune(recipe=recipe, teacher="parent", weight=1.0, temperature=1.0)
    later = replace(context, notes={}, original=parent)
    student = taught.apply(network(NET), later)
    alone = Finetune(recipe=recipe).apply(network(NET), replace(context, notes={}))
    with torch.inference_mode():
        wanted, *others = (each(images(64)).softmax(1) for each in (parent, student, alone))
    far = [float((wanted - other).abs().mean()) for other in others]
    assert far[0] < far[1]
    assert later.notes["training"]["teacher"]["sha256"] == content(parent)
    assert later.notes["training"]["teacher"]["validation_accuracy"] == seen(parent, context)


def test_the_blended_loss_is_hintons() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(5, 3, generator=generator) for _ in range(2))
    shares = nn.functional.one_hot(torch.tensor([0, 1, 2, 0, 1]), 3).float()
    blend = Blend(nn.CrossEntropyLoss(), Teacher(nn.Identity(), {}, temperature=2.0, weight=0.25))
    p, q = (teacher / 2).softmax(1), (student / 2).softmax(1)
    soft = float((p * (p / q).log()).sum(1).mean()) * 4
    hard = float(nn.functional.cross_entropy(student, shares))
    assert float(blend(student, torch.cat([shares, teacher], 1))) == pytest.approx(0.75 * hard + 0.25 * soft, rel=1e-5)
    assert float(blend(student, torch.tensor([0, 1, 2, 0, 1]))) == pytest.approx(hard)


@pytest.mark.parametrize("teacher", ["resnet20", "resnet20:width=8"])
def test_a_teacher_by_name_is_trained_once_and_shared(teacher: str, recipe: str, context: Context) -> None:
    from backbench.training.store import train_cached

    part = Distill(teacher=teacher, teacher_recipe=recipe, recipe=recipe)
    part.apply(network(NET), context)
    told: list[str] = []
    in_a_cell = MODELS.resolve(Choice.parse(teacher))
    cell = train_cached(in_a_cell, Choice(name="digits"), recipe, seed=0, settings=context.settings, tell=told.append)
    assert told == []
    assert context.notes["training"]["teacher"]["model"] == teacher
    assert cell.about["validation_accuracy"] == pytest.approx(
        context.notes["training"]["teacher"]["validation_accuracy"], abs=0.02
    )


def test_a_teacher_for_other_images_is_refused(recipe: str, context: Context) -> None:
    part = Distill(teacher="resnet18", teacher_weights="pretrained", recipe=recipe)
    with pytest.raises(UsageError, match="the teacher resnet18 wants other images than this network gets: mean"):
        part.apply(network(NET), context)


def test_without_images_to_train_on_it_is_skipped(context: Context) -> None:
    empty = Split(context.dataset.train.images, np.empty(0, np.int64))
    bare = replace(context, dataset=replace(context.dataset, train=empty))
    with pytest.raises(Skip, match="digits has no train or validation part"):
        Finetune().apply(network(NET), bare)


@pytest.mark.parametrize(
    ("chain", "kind", "sentence"),
    [
        ("finetune:recipe=shrot", UnknownName, "did you mean 'short'"),
        ("finetune:teacher=resnet56", SpecError, "'parent'"),
        ("distill", SpecError, "teacher"),
        ("distill:teacher=resnet56", SpecError, "untrained teacher teaches nothing"),
        ("distill:teacher=resnte56,teacher_recipe=short", UnknownName, "did you mean 'resnet56'"),
        ("distill:teacher=resnet20:widht=8,teacher_recipe=short", SpecError, "did you mean 'width'"),
        ("distill:teacher=resnet56,teacher_recipe=shrot", UnknownName, "did you mean 'short'"),
        ("distill:teacher=resnet56,teacher_weights=none.pt", UsageError, "'none.pt' is no file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(chain: str, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        checked_chain(parse_chain(chain))


def test_a_study_with_a_wrong_recipe_in_a_chain_is_refused() -> None:
    study = study_of(
        {"fixed": {"model": "resnet20", "dataset": "digits", "technique": "prune_channels+finetune:recipe=shrot"}}
    )
    with pytest.raises(SpecError, match="technique: unknown recipe 'shrot'"):
        expand(study, resolve(Settings()))


def test_a_recipes_content_decides_the_artefact(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    found = []
    for text in (RECIPE, RECIPE + "# a remark\n", RECIPE.replace("0.05", "0.06")):
        path.write_text(text)
        found.append(REGISTRY.build(Choice(name="finetune", options={"recipe": str(path)})).content())
    assert found[0] == found[1] != found[2]


def test_pruned_and_tuned_the_head_counts_as_trained(artefact: Made, recipe: str) -> None:
    made = artefact(technique=f"prune_channels:ratio=0.5+finetune:recipe={recipe}", model=SMALL["vgg16_bn"])
    assert made.trained
    pruned, tuned = made.evidence["steps"]
    assert pruned["child"]["stored"] == tuned["child"]["stored"] == made.parameters["stored"]
    assert tuned["verdicts"]["fewer_parameters"] == "no"
    assert tuned["notes"]["training"]["validation_accuracy"] > 0.2
