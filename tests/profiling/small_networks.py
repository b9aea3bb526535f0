"""Small networks, each with one thing that makes profiling hard. Fresh processes import them from this folder."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Plain(nn.Sequential):
    """Two convolutions, then a head: every number can be told by hand."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, 8, 3, padding=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(8, 4, 3, stride=2, padding=1, bias=False),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, num_classes),
        )


class Twice(nn.Module):
    """One convolution, called twice in a pass and registered under two names."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 8, 3, padding=1)
        self.shared = nn.Conv2d(8, 8, 3, padding=1)
        self.again = self.shared
        self.head = nn.Linear(8, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.again(torch.relu(self.shared(self.stem(images))))
        return self.head(features.mean((2, 3)))


class Several(nn.Module):
    """Features and logits: a dict that holds a tuple."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.body = nn.Conv2d(in_channels, 8, 3, stride=2)
        self.head = nn.Linear(8, num_classes)

    def forward(self, images: Tensor) -> dict[str, Tensor | tuple[Tensor, ...]]:
        features = self.body(images)
        return {"features": (features, torch.relu(features)), "logits": self.head(features.mean((2, 3)))}


class Depends(nn.Module):
    """Reads a value and takes one of two paths: it can't be followed without computing."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 4, 3)
        self.bright = nn.Linear(4, num_classes)
        self.dark = nn.Linear(4, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images).mean((2, 3))
        return self.bright(features) if images.mean().item() > 0 else self.dark(features)


class Valid(nn.Module):
    """Three 5×5 convolutions without padding: 13 pixels are the least."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*(nn.Conv2d(in_channels if not place else 4, 4, 5) for place in range(3)))
        self.head = nn.Linear(4, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images).mean((2, 3)))


class Fixed(nn.Module):
    """Patches with a table of positions that is made for one size."""

    def __init__(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> None:
        super().__init__()
        self.grid = (input_size[0] // 8, input_size[1] // 8)
        self.patches = nn.Conv2d(in_channels, 8, 8, stride=8)
        self.positions = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1], 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.attention(tokens, tokens, tokens, need_weights=False)[0].mean(1))


class Wide(nn.Module):
    """One activation of 16 channels at full resolution and another beside it: memory that is easily told."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.body = nn.Conv2d(in_channels, 16, 1, bias=False)
        self.head = nn.Linear(16, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.body(images)
        return self.head((features + features.flip(3)).mean((2, 3)))


def plain(num_classes: int, in_channels: int) -> nn.Module:
    return Plain(num_classes, in_channels)


def twice(num_classes: int, in_channels: int) -> nn.Module:
    return Twice(num_classes, in_channels)


def several(num_classes: int, in_channels: int) -> nn.Module:
    return Several(num_classes, in_channels)


def depends(num_classes: int, in_channels: int) -> nn.Module:
    return Depends(num_classes, in_channels)


def valid(num_classes: int, in_channels: int) -> nn.Module:
    return Valid(num_classes, in_channels)


def fixed(num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
    return Fixed(num_classes, in_channels, input_size)


def wide(num_classes: int, in_channels: int) -> nn.Module:
    return Wide(num_classes, in_channels)


def stuck(num_classes: int, in_channels: int) -> nn.Module:
    """Takes no image at all."""
    return nn.Sequential(nn.Linear(7, num_classes))
