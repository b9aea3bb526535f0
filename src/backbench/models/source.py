"""Where networks come from: own families, timm, torchvision, or a user's function. One subclass each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.errors import UsageError
from backbench.spec.choice import Choice

if TYPE_CHECKING:
    from torch import nn


class Source:
    """A library of networks by name."""

    def check(self, choice: Choice) -> None:
        """Raises UnknownName or another UsageError where the network can't be built, without building it."""
        raise TypeError(f"{type(self).__name__} does not say what it knows")

    def build(
        self, choice: Choice, num_classes: int, in_channels: int, input_size: tuple[int, int], pretrained: bool
    ) -> nn.Module:
        """The network. Raises UsageError (a wrong name or option) or WeightsError (no weights to be had)."""
        raise TypeError(f"{type(self).__name__} does not build")

    def preprocessing(self, choice: Choice, dataset: Dataset) -> Preprocessing:
        """What the network was made for; its own channel count, which the caller adapts."""
        raise TypeError(f"{type(self).__name__} has no preprocessing")


def refuse_reserved(choice: Choice, reserved: tuple[str, ...]) -> None:
    """Raises UsageError for an option that something else of the cell decides."""
    for key in reserved:
        if key in choice.options:
            raise UsageError(f"model {str(choice)!r}: option {key!r} follows from the dataset and the weights")


def first_line(error: BaseException) -> str:
    """A library's complaint as the end of a sentence."""
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__
