"""ConvNeXt: a depthwise convolution and a pixelwise perceptron per block, layer norm over the channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of N × C × H × W."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Depthwise `kernel`×`kernel`, norm, widen fourfold, GELU, narrow, scale per channel, add."""

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))  # starts as the identity (the paper's layer scale)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv_dw(x).permute(0, 2, 3, 1)
        y = self.mlp(self.norm(y)) * self.gamma
        return x + y.permute(0, 3, 1, 2)  # type: ignore[no-any-return]


class ConvNeXt(nn.Module):
    """`side` is the shorter side behind the stem; a stage halves it while it can."""

    def __init__(
        self, patch: int, width: int, depth: int, kernel: int, in_channels: int, num_classes: int, side: int
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(in_channels, width, patch, patch), ChannelNorm(width, eps=1e-6))
        stages: list[nn.Module] = [blocks(depth, width, kernel)]
        for index, count in enumerate((depth, 3 * depth, depth)):
            before, after = width * 2**index, width * 2 ** (index + 1)
            halving = 2 if side >= 2 else 1
            side //= halving
            stages += [ChannelNorm(before, eps=1e-6), nn.Conv2d(before, after, halving, halving)]
            stages.append(blocks(count, after, kernel))
        self.stages = nn.Sequential(*stages)
        self.norm = nn.LayerNorm(8 * width, eps=1e-6)
        self.head = nn.Linear(8 * width, num_classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(self.stem(x)).mean((2, 3))
        return self.head(self.norm(x))  # type: ignore[no-any-return]


def blocks(count: int, dim: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(*(Block(dim, kernel) for _ in range(count)))
