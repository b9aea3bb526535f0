"""The residual network for small images: stem 3×3, three stages, global mean, one linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PaddedShortcut(nn.Module):
    """Option A: every second pixel, and zeros for the channels that are new. No parameters."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.low = (after - before) // 2
        self.high = after - before - self.low

    def forward(self, x: Tensor) -> Tensor:
        thinned = x[:, :, :: self.stride, :: self.stride]
        return F.pad(thinned, (0, 0, 0, 0, self.low, self.high))


def projection(before: int, after: int, stride: int) -> nn.Module:
    """Option B: a 1×1 convolution and batch norm."""
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int, project: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        changes = stride != 1 or before != after
        shortcut = projection if project else PaddedShortcut
        self.shortcut = shortcut(before, after, stride) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """`blocks` residual blocks in each of three stages of `width`, 2 `width` and 4 `width` channels."""

    def __init__(
        self, blocks: int, width: int, project: bool, stem_stride: int, in_channels: int, num_classes: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stem_stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = stage(blocks, width, width, 1, project)
        self.layer2 = stage(blocks, width, 2 * width, 2, project)
        self.layer3 = stage(blocks, 2 * width, 4 * width, 2, project)
        self.fc = nn.Linear(4 * width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))  # type: ignore[no-any-return]


def stage(blocks: int, before: int, after: int, stride: int, project: bool) -> nn.Sequential:
    """The first block changes the shape, the others keep it."""
    first = BasicBlock(before, after, stride, project)
    return nn.Sequential(first, *(BasicBlock(after, after, 1, project) for _ in range(blocks - 1)))
