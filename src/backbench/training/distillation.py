"""Training with a teacher: the student's loss is blended with its distance to the teacher's outputs.

Hinton et al. 2015 (arXiv:1503.02531): loss = (1 − weight) · cross entropy + weight · T² · KL(softmax(teacher ÷ T) ‖
softmax(student ÷ T)). The teacher sees the very images that the student sees, augmentation included, in evaluation mode and
without gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.training.loop import Training
from backbench.training.recipe import Recipe

AT_ONCE = 64  # images of 32 × 32 pixels that the teacher sees at once; it keeps nothing for a backward pass


@dataclass(frozen=True)
class Teacher:
    """A trained network, what it is by content, and how much it says."""

    model: nn.Module
    identity: dict[str, Any]
    temperature: float = 4.0
    weight: float = 0.5

    def key(self) -> dict[str, Any]:
        """What of it decides the student's weights."""
        return {**self.identity, "temperature": self.temperature, "weight": self.weight}


class Blend(nn.Module):
    """The loss. Targets are shares of classes beside the teacher's logits, N × 2 classes; plain labels have no teacher."""

    def __init__(self, hard: nn.Module, teacher: Teacher) -> None:
        super().__init__()
        self.hard, self.temperature, self.weight = hard, teacher.temperature, teacher.weight

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        if targets.dim() == 1:
            return self.hard(scores, targets)  # type: ignore[no-any-return]
        shares, wanted = targets.chunk(2, dim=1)
        student, teacher = (F.log_softmax(logits / self.temperature, dim=1) for logits in (scores, wanted))
        soft = F.kl_div(student, teacher, reduction="batchmean", log_target=True) * self.temperature**2
        return (1 - self.weight) * self.hard(scores, shares) + self.weight * soft  # type: ignore[no-any-return]


class Distilling(Training):
    """A training whose batches carry the teacher's logits."""

    def __init__(
        self,
        model: nn.Module,
        dataset: Dataset,
        preprocessing: Preprocessing,
        recipe: Recipe,
        seed: int,
        device: str,
        *,
        teacher: Teacher,
    ) -> None:
        super().__init__(model, dataset, preprocessing, recipe, seed, device)
        self.teacher = teacher.model.to(device).eval()
        self.loss = Blend(self.loss, teacher)

    def batch(self, epoch: int, places: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images, targets = super().batch(epoch, places, generator)
        shares = targets if targets.dim() == 2 else F.one_hot(targets, self.classes).float()
        return images, torch.cat([shares, self.taught(images)], dim=1)

    @torch.no_grad()
    def taught(self, images: Tensor) -> Tensor:
        """The teacher's logits of N × C × H × W images, on the CPU."""
        with self.autocast():
            parts = [self.teacher(part.to(self.device)).float().cpu() for part in images.split(AT_ONCE)]
        return torch.cat(parts)
