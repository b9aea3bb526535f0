"""What a node's network is made of, as text: `conv:out=16`, `residual:out=32,stride=2`, `mean_linear`.

The grammar is that of every other part. Shapes are computed without torch, so that a tree file is checked without
building anything and no constructor runs a forward pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from backbench.errors import UsageError
from backbench.registry import Part, Registry
from backbench.spec.choice import Choice

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, int, int]  # channels, height, width
Channels = Annotated[int, Field(ge=1, le=4096)]
Stride = Annotated[int, Field(ge=1, le=4)]


class Layer(Part):
    """A step from a feature map to a feature map."""

    def after(self, shape: Shape) -> Shape:
        """The map's shape behind this layer."""
        raise TypeError(f"{type(self).__name__} has no shape")

    def build(self, shape: Shape) -> nn.Module:
        raise TypeError(f"{type(self).__name__} does not build")


class Head(Part):
    """A step from a feature map to scores."""

    def build(self, shape: Shape, outputs: int) -> nn.Module:
        raise TypeError(f"{type(self).__name__} does not build")


def halved(shape: Shape, out: int, stride: int) -> Shape:
    """The shape behind a convolution with an odd kernel that is padded by half of it."""
    return out, -(-shape[1] // stride), -(-shape[2] // stride)


class Conv(Layer):
    """Convolution, batch-norm, activation."""

    out: Channels
    kernel: Literal[1, 3, 5, 7] = 3
    stride: Stride = 1
    bias: bool = False
    activation: Literal["relu", "relu6", "none"] = "relu"

    def after(self, shape: Shape) -> Shape:
        return halved(shape, self.out, self.stride)

    def build(self, shape: Shape) -> nn.Module:
        from backbench.trunk.networks.blocks import ConvBlock

        return ConvBlock(shape[0], self.out, self.kernel, self.stride, self.bias, self.activation)


class Residual(Layer):
    """Two 3×3 convolutions beside a shortcut; where the shape changes the shortcut is padded with zeros, or projected."""

    out: Channels
    stride: Stride = 1
    project: bool = False

    def after(self, shape: Shape) -> Shape:
        return halved(shape, self.out, self.stride)

    def build(self, shape: Shape) -> nn.Module:
        from backbench.models.networks.resnet import BasicBlock

        if self.out < shape[0] and not self.project:
            raise UsageError(f"residual:out={self.out} after {shape[0]} channels narrows the map; say project=true")
        return BasicBlock(shape[0], self.out, self.stride, self.project)


class Inverted(Layer):
    """An inverted residual with a linear bottleneck, as MobileNetV2 has it."""

    out: Channels
    expand: Annotated[int, Field(ge=1, le=16)] = 4
    stride: Stride = 1

    def after(self, shape: Shape) -> Shape:
        return halved(shape, self.out, self.stride)

    def build(self, shape: Shape) -> nn.Module:
        from backbench.models.networks.mobilenetv2 import InvertedResidual

        return InvertedResidual(shape[0], self.out, self.stride, self.expand)


class InvertedPaddedPointwise(Layer):
    """The published trees' block, faults kept: 1×1 convolutions padded by 1 (the map grows by 4), no linear bottleneck.

    For the published weights only. The shapes never match, so nothing is ever added.
    """

    out: Channels
    expand: Annotated[int, Field(ge=1, le=16)] = 4

    def after(self, shape: Shape) -> Shape:
        return self.out, shape[1] + 4, shape[2] + 4

    def build(self, shape: Shape) -> nn.Module:
        from backbench.trunk.networks.blocks import InvertedPaddedPointwiseBlock

        return InvertedPaddedPointwiseBlock(shape[0], self.out, self.expand)


class Pool(Layer):
    """Largest of each 2 × 2; a side of one pixel stays."""

    def after(self, shape: Shape) -> Shape:
        return shape[0], max(1, shape[1] // 2), max(1, shape[2] // 2)

    def build(self, shape: Shape) -> nn.Module:
        from torch import nn

        return nn.MaxPool2d((min(2, shape[1]), min(2, shape[2])))


class Dropout(Layer):
    """Elements of the map, or with `maps` whole channels, are dropped in training."""

    p: Annotated[float, Field(ge=0, lt=1)] = 0.5
    maps: bool = False

    def after(self, shape: Shape) -> Shape:
        return shape

    def build(self, shape: Shape) -> nn.Module:
        from torch import nn

        return nn.Dropout2d(self.p) if self.maps else nn.Dropout(self.p)


class MeanLinear(Head):
    """Global mean, one linear layer."""

    def build(self, shape: Shape, outputs: int) -> nn.Module:
        from backbench.trunk.networks.blocks import MeanLinearHead

        return MeanLinearHead(shape[0], outputs)


class MapLinear(Head):
    """One linear layer on the whole map (the published *vgg* trees)."""

    def build(self, shape: Shape, outputs: int) -> nn.Module:
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], outputs))


class ConvMean(Head):
    """A 1×1 convolution, then the global mean (the published *mobilenet* trees): the same function as mean_linear, dearer."""

    def build(self, shape: Shape, outputs: int) -> nn.Module:
        from torch import nn

        return nn.Sequential(nn.Conv2d(shape[0], outputs, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


LAYERS: Registry[Layer] = Registry(
    "trunk_layer",
    {
        "conv": "backbench.trunk.layers:Conv",
        "dropout": "backbench.trunk.layers:Dropout",
        "inverted": "backbench.trunk.layers:Inverted",
        "inverted_padded_pointwise": "backbench.trunk.layers:InvertedPaddedPointwise",
        "pool": "backbench.trunk.layers:Pool",
        "residual": "backbench.trunk.layers:Residual",
    },
)
HEADS: Registry[Head] = Registry(
    "trunk_head",
    {
        "conv_mean": "backbench.trunk.layers:ConvMean",
        "map_linear": "backbench.trunk.layers:MapLinear",
        "mean_linear": "backbench.trunk.layers:MeanLinear",
    },
)


def layer(text: str) -> Layer:
    """Raises UnknownName, SpecError or UsageError."""
    return LAYERS.build(Choice.parse(text))


def head(text: str) -> Head:
    return HEADS.build(Choice.parse(text))


def shape_behind(features: tuple[str, ...], shape: Shape) -> Shape:
    """The map's shape behind all these layers."""
    for text in features:
        shape = layer(text).after(shape)
    return shape
