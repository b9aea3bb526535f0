"""VGG16's convolutions in five stages, global mean, one linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # channels ÷ width, convolutions


class VGG(nn.Module):
    """A stage is followed by a 2×2 pooling as long as `poolings` last and `side` (pixels) can be halved."""

    def __init__(self, width: int, poolings: int, in_channels: int, num_classes: int, side: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for index, (factor, convolutions) in enumerate(STAGES):
            for _ in range(convolutions):
                layers += convolution(channels, factor * width)
                channels = factor * width
            if index < poolings and side >= 2:
                layers.append(nn.MaxPool2d(2))
                side //= 2
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(torch.flatten(x, 1))  # type: ignore[no-any-return]


def convolution(before: int, after: int) -> list[nn.Module]:
    """With a bias, as published, although batch norm makes it superfluous."""
    return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
