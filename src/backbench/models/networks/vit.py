"""A vision transformer: patches, positions that are learned from sines on, pre-norm blocks, mean over the patches.

Attributes have timm's names (`qkv`, `proj`, `num_heads`, `head_dim`): what works on timm's attention works here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head self-attention over N × tokens × dim."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.num_heads = heads
        self.head_dim = dim // heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        split = self.qkv(x).unflatten(2, (3, self.num_heads, self.head_dim))
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)  # each N × heads × tokens × head_dim
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention, then a two-layer perceptron; each normalised before and added after."""

    def __init__(self, dim: int, heads: int, mlp: float) -> None:
        super().__init__()
        hidden = int(dim * mlp)
        self.norm1 = nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class ViT(nn.Module):
    """`grid` is the number of patches down and across."""

    def __init__(
        self,
        grid: tuple[int, int],
        patch: int,
        dim: int,
        depth: int,
        heads: int,
        mlp: float,
        in_channels: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(in_channels, dim, patch, patch)
        self.pos_embed = nn.Parameter(waves(grid, dim))
        self.blocks = nn.Sequential(*(Block(dim, heads, mlp) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)  # the usual 0.02 is for 768 wide: small ones then learn slowly
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        return self.head(self.norm(self.blocks(tokens)).mean(1))  # type: ignore[no-any-return]


def waves(grid: tuple[int, int], dim: int) -> Tensor:
    """1 × tokens × dim: sines and cosines of row and column, a quarter of `dim` each (Beyer et al. 2022)."""
    frequencies = 10000 ** -torch.linspace(0, 1, -(-dim // 4))
    row, column = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    angles = [place.flatten()[:, None] * frequencies for place in (row, column)]
    parts = [wave(angle) for angle in angles for wave in (torch.sin, torch.cos)]
    return torch.cat(parts, dim=1)[None, :, :dim].contiguous()
