"""The loop on digits: it learns, it resumes as if never killed, it repeats, and it says when the loss is lost."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from backbench.data import load_dataset
from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing, native_preprocessing
from backbench.errors import TrainingDiverged
from backbench.models.build import build
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.training import loop
from backbench.training.batches import Pixels, shuffled, steps_of
from backbench.training.evaluate import accuracy
from backbench.training.loop import Progress, Training, train
from backbench.training.recipe import Recipe, load_recipe
from backbench.training.schedule import build_optimizer

FAST: dict[str, Any] = {
    "description": "a test's",
    "epochs": 3,
    "batch": 64,
    "lr": 0.1,
    "warmup": 1,
    "precision": "fp32",
}


class Kill(Exception):
    """The moment at which a training is killed."""


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(Choice(name="digits"), Settings())


@pytest.fixture
def preprocessing(digits: Dataset) -> Preprocessing:
    return native_preprocessing(digits)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(Choice(name="resnet20", options={"width": 4}), num_classes=10, in_channels=1, input_size=(8, 8))


def plain() -> nn.Module:
    """A network without batch-norm: its micro-batches add up exactly."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))


def equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


def test_it_learns_and_says_how_it_goes(digits: Dataset, preprocessing: Preprocessing, tmp_path: Path) -> None:
    told: list[Progress] = []
    recipe = Recipe(**{**FAST, "epochs": 6, "ema": 0.9})
    done = train(network(), digits, preprocessing, recipe, seed=0, folder=tmp_path, tell=told.append)
    assert [progress.epoch for progress in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1].loss < told[0].loss / 2
    assert accuracy(done.model, Pixels(digits.test, preprocessing)) > 0.8
    best = max(entry["validation"] for entry in done.about["curve"])
    assert done.about["validation_accuracy"] == best
    assert accuracy(done.model, Pixels(digits.validation, preprocessing)) == best
    assert not done.model.training


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_killed_training_continues_as_if_it_never_was(
    digits: Dataset, preprocessing: Preprocessing, tmp_path: Path, optimizer: str
) -> None:
    recipe = Recipe(**{**FAST, "optimizer": optimizer, "ema": 0.9, "augment": {"crop": 1}})
    whole = train(network(), digits, preprocessing, recipe, seed=1, folder=tmp_path / "whole")

    def killed(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Kill

    with pytest.raises(Kill):
        train(network(), digits, preprocessing, recipe, seed=1, folder=tmp_path / "half", tell=killed)
    resumed = train(network(seed=7), digits, preprocessing, recipe, seed=1, folder=tmp_path / "half")
    assert equal(resumed.model, whole.model)
    assert [entry["loss"] for entry in resumed.about["curve"]] == [entry["loss"] for entry in whole.about["curve"]]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_a_fused_step_is_the_plain_one(optimizer: str) -> None:
    """Fused kernels take weight, gradient and moments as they lie in memory, whatever their formats say.

    On a smooth network: at the corner of a ReLU a rounding error would grow.
    """
    torch.manual_seed(0)
    smooth = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.SiLU(), nn.Conv2d(8, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(64, 10)
    )
    fused, plain = (deepcopy(smooth).to(memory_format=torch.channels_last) for _ in range(2))
    recipe = Recipe(**{**FAST, "optimizer": optimizer, "lr": 0.01, "weight_decay": 0.1})
    quick, slow = build_optimizer(fused, recipe), build_optimizer(plain, recipe)
    for group in slow.param_groups:
        group["fused"] = False
    for _ in range(20):
        images, labels = torch.randn(16, 3, 8, 8), torch.randint(0, 10, (16,))
        for model, stepping in ((fused, quick), (plain, slow)):
            stepping.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            stepping.step()
    for mine, theirs, first in zip(fused.parameters(), plain.parameters(), smooth.parameters(), strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(mine, first, rtol=1e-4, atol=1e-5)


def test_one_seed_one_result(digits: Dataset, preprocessing: Preprocessing, tmp_path: Path) -> None:
    recipe = Recipe(**{**FAST, "epochs": 1, "augment": {"crop": 1, "mixup": 0.2}})
    first, second, other = (
        train(network(), digits, preprocessing, recipe, seed=seed, folder=tmp_path / name)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert equal(first.model, second.model)
    assert not equal(first.model, other.model)


def test_a_lost_loss_is_said(digits: Dataset, preprocessing: Preprocessing, tmp_path: Path) -> None:
    recipe = Recipe(**{**FAST, "lr": 1e30, "warmup": 0})
    with pytest.raises(TrainingDiverged, match=r"the loss became (nan|inf) in epoch \d+, step \d+, at learning rate"):
        train(plain(), digits, preprocessing, recipe, seed=0, folder=tmp_path)


def test_micro_batches_add_up_to_the_batch(digits: Dataset, preprocessing: Preprocessing) -> None:
    recipe = Recipe(**FAST)
    gradients = []
    for size in (64, 20):
        run = Training(plain(), digits, preprocessing, recipe, 0, "cpu")
        run.micro_batch = size
        kept: list[torch.Tensor] = []
        run.optimizer.register_step_pre_hook(
            lambda optimizer, args, kwargs, run=run, kept=kept: kept.extend(
                p.grad.clone() for p in run.model.parameters()
            )
        )
        run.step(0, torch.arange(64), torch.Generator().manual_seed(0))
        gradients.append(kept)
    for whole, parts in zip(*gradients, strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-6)


def test_recipes_of_two_precisions_in_one_process(
    digits: Dataset, preprocessing: Preprocessing, tmp_path: Path
) -> None:
    for precision in ("fp32", "bf16"):
        recipe = Recipe(**{**FAST, "precision": precision, "epochs": 1})
        done = train(network(), digits, preprocessing, recipe, seed=0, folder=tmp_path / precision)
        assert done.about["precision"] == precision
        assert {weight.dtype for weight in done.model.parameters()} == {torch.float32}


def test_letters_and_digits_are_never_mirrored(digits: Dataset, preprocessing: Preprocessing) -> None:
    recipe = Recipe(**{**FAST, "augment": {"flip": True}})
    run = Training(plain(), digits, preprocessing, recipe, 0, "cpu")
    places = torch.arange(64)
    images, _ = run.batch(0, places, torch.Generator())
    assert torch.equal(images, run.train.normal(run.train[places]))
    run.mirrored = True
    mirrored, _ = run.batch(0, places, torch.Generator())
    same = (mirrored == images).flatten(1).all(dim=1)
    assert 0 < int(same.sum()) < 64
    turned, _ = run.batch(1, places, torch.Generator())
    assert torch.equal(turned[same], images[same].flip(-1))


def test_the_first_epochs_see_windows_and_the_last_whole_images(digits: Dataset, preprocessing: Preprocessing) -> None:
    recipe = Recipe(**{**FAST, "epochs": 4, "augment": {"window": 0.75, "windowed": 0.5}})
    run = Training(network(), digits, preprocessing, recipe, 0, "cpu")
    sides = [run.batch(epoch, torch.arange(8), torch.Generator())[0].shape[-1] for epoch in range(4)]
    assert sides == [6, 6, 8, 8]
    assert run.step(0, torch.arange(8), torch.Generator()) > 0


def test_a_network_of_one_size_sees_whole_images(digits: Dataset, preprocessing: Preprocessing) -> None:
    run = Training(plain(), digits, preprocessing, Recipe(**{**FAST, "augment": {"window": 0.75}}), 0, "cpu")
    assert run.window == 1.0
    assert run.batch(0, torch.arange(8), torch.Generator())[0].shape[-1] == 8


def test_an_epoch_takes_every_image_once() -> None:
    for n, batch in ((100, 32), (100, 30), (5, 64)):
        places = list(shuffled(n, batch, torch.Generator().manual_seed(0)))
        assert len(places) == steps_of(n, batch)
        seen = torch.cat(places)
        assert len(seen.unique()) == len(seen) >= n - batch // 2


def test_every_shipped_recipe_is_whole() -> None:
    from backbench.training.recipe import names

    assert {"cifar10", "digits-quick", "short"} <= set(names())
    for name in names():
        assert load_recipe(name).description
    assert loop.FAST_BF16
