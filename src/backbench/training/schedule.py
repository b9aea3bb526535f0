"""The optimizer and its learning rate as functions of the recipe and of the step's place in the whole run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from backbench.training.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn

# From the recipe, the share of the run that is done, and the epochs behind the warm-up, to a factor of the peak.
SHAPES: dict[str, Callable[[Recipe, float, float], float]] = {
    "constant": lambda recipe, done, epoch: 1.0,
    "linear": lambda recipe, done, epoch: 1.0 - done,
    "cosine": lambda recipe, done, epoch: (
        0.5 * (1 + math.cos(math.pi * (epoch / recipe.period if recipe.period else done)))
    ),
    "step": lambda recipe, done, epoch: recipe.gamma ** (epoch // recipe.step),
}


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The rate of step `step` (from 0): linear up over the warm-up, then the schedule's shape down to 0."""
    total, warm = recipe.epochs * steps_per_epoch, recipe.warmup * steps_per_epoch
    if step < warm:
        return recipe.lr * (step + 1) / (warm + 1)
    done = (step - warm) / max(1.0, total - warm)
    return recipe.lr * SHAPES[recipe.schedule](recipe, done, (step - warm) / steps_per_epoch)


def build_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay acts on matrices and kernels only: on norms and biases it only shifts the function's scale.

    Fused: one pass over the memory instead of one for each operation of the update (docs/benchmarks.md).
    """
    import torch

    trained = [weight for weight in model.parameters() if weight.requires_grad]
    if recipe.optimizer == "adam":
        return torch.optim.Adam(
            trained, lr=recipe.lr, betas=(recipe.momentum, 0.999), weight_decay=recipe.weight_decay, fused=True
        )
    groups = [
        {"params": [w for w in trained if w.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [w for w in trained if w.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=True)
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(recipe.momentum, 0.999), fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
