"""Own families: everything in this folder's registry, entry points included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing, native_preprocessing
from backbench.errors import WeightsError
from backbench.models import REGISTRY
from backbench.models.source import Source
from backbench.registry import require
from backbench.spec.choice import Choice

if TYPE_CHECKING:
    from torch import nn


class Own(Source):
    """The registered families, trained here or from a file."""

    def check(self, choice: Choice) -> None:
        REGISTRY.build(choice)

    def build(
        self, choice: Choice, num_classes: int, in_channels: int, input_size: tuple[int, int], pretrained: bool
    ) -> nn.Module:
        family = REGISTRY.build(choice)
        if pretrained:
            raise WeightsError(f"{choice.name!r} has no published weights: name a recipe or a weights file")
        require(f"model {choice.name!r}", "torch", "torch")
        return family.build(num_classes, in_channels, input_size)

    def preprocessing(self, choice: Choice, dataset: Dataset) -> Preprocessing:
        return native_preprocessing(dataset)
