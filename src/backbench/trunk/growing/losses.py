"""Training on the path likelihood: the usual loop (with a teacher or without), and the groups' own cross-entropy beside it.

The network's outputs are log-probabilities of classes, products of softmaxes along each path, so their cross-entropy is
the negative log-likelihood of the path. The groups' term is the part of it that the root alone decides, weighed again.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.training.distillation import Distilling, Teacher
from backbench.training.loop import Training
from backbench.training.recipe import Recipe
from backbench.trunk.grouping import Groups

LEAST = 1e-9  # of a group's share, so that its logarithm is finite
Loop = Callable[[nn.Module, Dataset, Preprocessing, Recipe, int, str], Training]


class WithGroups(nn.Module):
    """`inner` plus `weight` × the cross-entropy of the groups. Targets are class numbers, shares, or shares beside logits."""

    owner: Tensor

    def __init__(self, inner: nn.Module, groups: Groups, weight: float, classes: int) -> None:
        super().__init__()
        self.inner, self.weight, self.classes, self.count = inner, weight, classes, len(groups)
        owner = torch.zeros(classes, dtype=torch.long)
        for number, members in enumerate(groups):
            owner[list(members)] = number
        self.register_buffer("owner", owner)

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        loss: Tensor = self.inner(scores, targets)
        return loss + self.weight * self.between_groups(scores, targets)

    def between_groups(self, scores: Tensor, targets: Tensor) -> Tensor:
        """A group's share is the sum of its classes'."""
        known = targets.dim() == 1
        shares = F.one_hot(targets, self.classes).float() if known else targets[:, : self.classes]
        owner, sums = self.owner.to(scores.device), scores.new_zeros(len(scores), self.count)
        likelihood = sums.index_add(1, owner, F.softmax(scores, 1)).clamp_min(LEAST).log()
        return -(sums.index_add(1, owner, shares) * likelihood).sum(1).mean()


def loop_of(teacher: Teacher | None, groups: Groups, weight: float) -> Loop:
    """The loop that `train` is given."""

    def make(
        model: nn.Module, dataset: Dataset, preprocessing: Preprocessing, recipe: Recipe, seed: int, device: str
    ) -> Training:
        run = (
            Training(model, dataset, preprocessing, recipe, seed, device)
            if teacher is None
            else Distilling(model, dataset, preprocessing, recipe, seed, device, teacher=teacher)
        )
        if weight and len(groups) > 1:
            run.loss = WithGroups(run.loss, groups, weight, run.classes)
        return run

    return make
