"""What an own family is: a name, checked options, and how its network is built. No torch before `build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing, native_preprocessing
from backbench.registry import Part

if TYPE_CHECKING:
    from torch import nn


class Family(Part):
    """A backbone for small images, with its options."""

    routed: ClassVar[bool] = False  # whether its path depends on its input

    def build(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
        """A network from N × in_channels × height × width to N × num_classes logits.

        Its values depend on torch's seed only. Raises UsageError where the options don't fit the input size.
        """
        raise TypeError(f"{type(self).__name__} does not say how it is built")

    def preprocessing(self, dataset: Dataset) -> Preprocessing:
        """What the network was made for: this dataset's own size and statistics, unless it says others."""
        return native_preprocessing(dataset)

    def published(self) -> Path | None:
        """The file of weights that come with these options (`weights: pretrained`), or None."""
        return None

    def content(self) -> str | None:
        """SHA-256 of the files that the options name, which are part of the network's identity; None: they name none."""
        return None
