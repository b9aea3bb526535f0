"""VGG16 with batch norm for 32×32 images: thirteen convolutions and one linear layer.

14,728,266 parameters for ten classes. Published in two shapes of the same weights: with four poolings before the last
stage it works at 2×2 (313 M MACs), with three at 4×4 (399 M MACs: the net of the structural-pruning benchmarks). Nets
with two 512-wide linear layers more have 15.25 M.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from backbench.models.family import Family

if TYPE_CHECKING:
    from torch import nn


class VGG16BN(Family):
    """VGG16 with batch norm for small images: 14,728,266 parameters, 313 M MACs at 32×32.

    `poolings` before the last stage: 3 make 398 M MACs of the same weights. `width` is the first stage's channels.
    """

    poolings: Literal[3, 4] = 4
    width: Annotated[int, Field(ge=1, le=1024)] = 64

    def build(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
        from backbench.models.networks.vgg import VGG

        return VGG(self.width, self.poolings, in_channels, num_classes, min(input_size))
