"""Blocks that only TRUNK uses; residual and inverted blocks come from the backbones."""

from __future__ import annotations

from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "relu6": nn.ReLU6, "none": nn.Identity}


class ConvBlock(nn.Module):
    """Convolution padded by half its kernel, batch-norm, activation."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, bias: bool, activation: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=bias)
        self.bn = nn.BatchNorm2d(after)
        self.act = ACTIVATIONS[activation]()
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))  # type: ignore[no-any-return]


class InvertedPaddedPointwiseBlock(nn.Module):
    """The published trees' inverted residual with its faults: every convolution padded by 1, ReLU6 behind the bottleneck.

    N × C × H × W → N × after × (H + 4) × (W + 4).
    """

    def __init__(self, before: int, after: int, expand: int) -> None:
        super().__init__()
        hidden = before * expand
        self.layers = nn.Sequential(
            *padded(before, hidden, kernel=1),
            *padded(hidden, hidden, 3, groups=hidden),
            *padded(hidden, after, kernel=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]


def padded(before: int, after: int, kernel: int, groups: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(before, after, kernel, padding=1, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(after), nn.ReLU6()]


class MeanLinearHead(nn.Module):
    """Global mean, one linear layer."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(channels, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.mean((2, 3)))  # type: ignore[no-any-return]
