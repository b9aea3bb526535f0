"""MobileNetV2: inverted residuals with linear bottlenecks, the stem for small images."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# expansion, channels, blocks, stride (the paper's table 2, whose second stage halves too)
STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
STEM, HEAD = 32, 1280


def scaled(channels: int, width: float) -> int:
    """The nearest multiple of eight that is not over a tenth smaller (the authors' rounding), at least eight."""
    target = channels * width
    nearest = max(8, int(target + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * target else nearest


def convolution(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(after), nn.ReLU6(inplace=True)]


class InvertedResidual(nn.Module):
    """Expand by a 1×1, filter each channel by a 3×3, project by a 1×1 without activation."""

    def __init__(self, before: int, after: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = before * expansion
        expand = convolution(before, hidden, 1) if expansion != 1 else []
        filtered = convolution(hidden, hidden, 3, stride, groups=hidden)
        project = convolution(hidden, after, 1)[:2]
        self.layers = nn.Sequential(*expand, *filtered, *project)
        self.residual = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """The head keeps its 1,280 channels for widths under one, as the paper's does.

    A halving of the image's `side` to under 4 pixels is left out: a 3×3 filter has nothing to look at there.
    """

    def __init__(self, width: float, stem_stride: int, in_channels: int, num_classes: int, side: int) -> None:
        super().__init__()
        channels, head = scaled(STEM, width), scaled(HEAD, max(1.0, width))
        layers = convolution(in_channels, channels, 3, stem_stride)
        side = -(-side // stem_stride)
        for expansion, after, blocks, wanted in STAGES:
            stride = wanted if side > 3 * wanted else 1
            side = -(-side // stride)
            for index in range(blocks):
                layers.append(InvertedResidual(channels, scaled(after, width), stride if index == 0 else 1, expansion))
                channels = scaled(after, width)
        self.features = nn.Sequential(*layers, *convolution(channels, head, 1))
        self.classifier = nn.Linear(head, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(torch.flatten(x, 1))  # type: ignore[no-any-return]
