"""The optimizer and its learning rate as functions of the recipe and of the step's place in the whole run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from backbench.training.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn

SHAPES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1.0 + math.cos(math.pi * done)),
}


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The rate of step `step` (from 0): linear up over the warm-up, then the schedule's shape down to 0."""
    total, warm = recipe.epochs * steps_per_epoch, recipe.warmup * steps_per_epoch
    if step < warm:
        return recipe.lr * (step + 1) / (warm + 1)
    return recipe.lr * SHAPES[recipe.schedule]((step - warm) / max(1.0, total - warm))


def build_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay acts on matrices and kernels only: on norms and biases it only shifts the function's scale."""
    import torch

    trained = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [w for w in trained if w.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [w for w in trained if w.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.momentum > 0)
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(recipe.momentum, 0.999))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
