"""A small ConvNeXt (Liu et al. 2022) for small images: femto's four stages with a stem of 2×2 patches instead of 4×4.

Each stage halves; the last works at 2×2 for a 32×32 image, and no stage goes below one pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from backbench.models.family import Family
from backbench.models.patches import patch_for

if TYPE_CHECKING:
    from torch import nn


class ConvNeXtMini(Family):
    """A small ConvNeXt: 4,834,906 parameters, 63.2 M MACs at 32×32.

    `width` is the first stage's channels (w, 2w, 4w, 8w); `depth` is a stage's blocks, thrice that in the third.
    """

    patch: Annotated[int, Field(ge=1, le=64)] | None = None
    width: Annotated[int, Field(ge=1, le=512)] = 48
    depth: Annotated[int, Field(ge=1, le=16)] = 2
    kernel: Literal[3, 5, 7] = 7

    def build(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
        from backbench.models.networks.convnext import ConvNeXt

        patch = patch_for(input_size, self.patch, across=16, least=1)
        side = min(input_size) // patch
        return ConvNeXt(patch, self.width, self.depth, self.kernel, in_channels, num_classes, side)
