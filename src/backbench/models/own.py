"""Own families: everything in this folder's registry, entry points included."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.errors import WeightsError
from backbench.models import REGISTRY
from backbench.models.source import Source
from backbench.models.weights import load_weights
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
        if pretrained and family.published() is None:
            raise WeightsError(f"{choice.name!r} has no published weights: name a recipe or a weights file")
        require(f"model {choice.name!r}", "torch", "torch")
        network = family.build(num_classes, in_channels, input_size)
        file = family.published() if pretrained else None
        if file is not None:
            load_weights(network, file)
        return network

    def preprocessing(self, choice: Choice, dataset: Dataset) -> Preprocessing:
        return REGISTRY.build(choice).preprocessing(dataset)


def content_of(choice: Choice) -> str | None:
    """What an own family's options name, by content; None for all others."""
    return REGISTRY.build(choice).content() if choice.name in REGISTRY else None


def published_weights(choice: Choice) -> Path | None:
    """The weights that come with an own family's options; None for all others."""
    return REGISTRY.build(choice).published() if choice.name in REGISTRY else None


def routed(choice: Choice) -> bool:
    """Whether an own family's network takes a path of its own for each input; False for all others."""
    return choice.name in REGISTRY and REGISTRY.get(choice.name).routed
