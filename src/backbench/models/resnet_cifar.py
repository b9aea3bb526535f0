"""ResNet-20/32/44/56/110 for 32×32 images (He et al. 2015, section 4.2).

Option A (the paper's): a shortcut that changes shape takes every second pixel and fills the new channels with zeros, so
ResNet-20 has 269,722 parameters and 40.55 M MACs for ten classes. Option B projects with a 1×1 convolution (272,474
parameters, 40.8 M MACs); reimplementations are often B without saying so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from backbench.models.family import Family

if TYPE_CHECKING:
    from torch import nn


class ResNetCifar(Family):
    """A residual net for small images; `width` is the channels of the first of its three stages, 16 as published.

    A `stem_stride` of 2 quarters the MACs and keeps the parameters: for letters, and for small budgets.
    """

    depth: ClassVar[int]

    shortcut: Literal["a", "b"] = "a"
    width: Annotated[int, Field(ge=1, le=1024)] = 16
    stem_stride: Literal[1, 2] = 1

    def build(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
        from backbench.models.networks.resnet import ResNet

        blocks = (self.depth - 2) // 6  # two convolutions a block, three stages
        return ResNet(blocks, self.width, self.shortcut == "b", self.stem_stride, in_channels, num_classes)


class ResNet20(ResNetCifar):
    """ResNet-20 for small images: 269,722 parameters, 40.55 M MACs at 32×32."""

    depth = 20


class ResNet32(ResNetCifar):
    """ResNet-32 for small images: 464,154 parameters, 68.86 M MACs at 32×32."""

    depth = 32


class ResNet44(ResNetCifar):
    """ResNet-44 for small images: 658,586 parameters, 97.17 M MACs at 32×32."""

    depth = 44


class ResNet56(ResNetCifar):
    """ResNet-56 for small images: 853,018 parameters, 125.49 M MACs at 32×32."""

    depth = 56


class ResNet110(ResNetCifar):
    """ResNet-110 for small images: 1,727,962 parameters, 252.89 M MACs at 32×32."""

    depth = 110
