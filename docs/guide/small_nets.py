"""The small networks of the guide: one plain, and two that do the same with less. Images are N × channels × 8 × 8."""

from __future__ import annotations

from torch import nn


def plain(num_classes: int, in_channels: int) -> nn.Module:
    """Two convolutions, then two linear layers over all positions, as one learns it first."""
    return nn.Sequential(
        *convolution(in_channels, 32),
        *convolution(32, 64),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 128),
        nn.ReLU(),
        nn.Linear(128, num_classes),
    )


def pooled(num_classes: int, in_channels: int) -> nn.Module:
    """The mean over all positions in the place of the first linear layer."""
    return nn.Sequential(*convolution(in_channels, 32), *convolution(32, 64), *mean_head(64, num_classes))


def depthwise(num_classes: int, in_channels: int) -> nn.Module:
    """`pooled`, its second convolution divided into one per channel and one per position."""
    return nn.Sequential(*convolution(in_channels, 32), *separable(32, 64), *mean_head(64, num_classes))


def convolution(before: int, after: int, kernel: int = 3, groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, kernel, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    ]


def separable(before: int, after: int) -> list[nn.Module]:
    return [*convolution(before, before, groups=before), *convolution(before, after, kernel=1)]


def mean_head(channels: int, num_classes: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
