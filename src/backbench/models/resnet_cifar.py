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
    """`width` is the channels of the first of three stages (w, 2w, 4w); the published nets have 16."""

    depth: ClassVar[int]

    shortcut: Literal["a", "b"] = "a"
    width: Annotated[int, Field(ge=1, le=1024)] = 16

    def build(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
        from backbench.models.networks.resnet import ResNet

        blocks = (self.depth - 2) // 6  # two convolutions a block, three stages
        return ResNet(blocks, self.width, self.shortcut == "b", in_channels, num_classes)


class ResNet20(ResNetCifar):
    depth = 20


class ResNet32(ResNetCifar):
    depth = 32


class ResNet44(ResNetCifar):
    depth = 44


class ResNet56(ResNetCifar):
    depth = 56


class ResNet110(ResNetCifar):
    depth = 110
