"""What an own family is: a name, checked options, and how its network is built. No torch before `build`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backbench.registry import Part

if TYPE_CHECKING:
    from torch import nn


class Family(Part):
    """A backbone for small images, with its options."""

    def build(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
        """A network from N × in_channels × height × width to N × num_classes logits.

        Its values depend on torch's seed only. Raises UsageError where the options don't fit the input size.
        """
        raise TypeError(f"{type(self).__name__} does not say how it is built")
