"""MobileNetV2 (Sandler et al. 2018) with the small-image stem: the first two of its five halvings are left out.

2,236,682 parameters for ten classes (as ImageNet's net with ten classes) and 88.0 M MACs at 32×32; the last stage works
at 4×4, for smaller images too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from backbench.models.family import Family

if TYPE_CHECKING:
    from torch import nn


class MobileNetV2Small(Family):
    """MobileNetV2 with the small-image stem: 2,236,682 parameters, 88.0 M MACs at 32×32.

    `width` multiplies every stage's channels, rounded to multiples of eight. A `stem_stride` of 2, ImageNet's, halves
    the MACs and keeps the parameters.
    """

    width: Annotated[float, Field(gt=0, le=4)] = 1.0
    stem_stride: Literal[1, 2] = 1

    def build(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
        from backbench.models.networks.mobilenetv2 import MobileNetV2

        return MobileNetV2(self.width, self.stem_stride, in_channels, num_classes, min(input_size))
