"""Fake quantization: in fp32, the rounding that int8 kernels will do, with gradients that pass straight through it.

Weights: int8 and symmetric, −127…127 (−63…63 in the reduced range), one scale for each output channel, from the weights as they are. A
batch-norm that is folded into its convolution later multiplies a channel's weights and its scale alike, so the grid is the folded one's
already.
Activations: uint8, one scale a tensor, where a convolution or a linear layer takes its input. The range is a moving average of the batches'
extremes, zero always in it; in evaluation mode it stands still.
Definitions: Jacob et al. 2018 (arXiv:1712.05877), Krishnamoorthi 2018 (arXiv:1806.08342).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)
INPUT = "fake_input"  # the name of the activations' rounding inside a layer
ORIGINAL = "parametrizations.weight.original"
MOMENTUM = 0.01
SMALLEST = 1e-12  # scale of a channel of zeros
WEIGHT_MOST, REDUCED_MOST, ACTIVATION_MOST = 127, 63, 255


class FakeWeight(nn.Module):
    """A weight's rounding to −`most`…`most`; `axis` is that of its output channels."""

    def __init__(self, axis: int, most: int = WEIGHT_MOST) -> None:
        super().__init__()
        self.axis, self.most = axis, most

    def forward(self, weight: Tensor) -> Tensor:
        others = [axis for axis in range(weight.dim()) if axis != self.axis]
        scale = (weight.detach().abs().amax(others) / self.most).clamp_min(SMALLEST)
        zeros = torch.zeros_like(scale, dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scale, zeros, self.axis, -self.most, self.most)


class FakeInput(nn.Module):
    """The rounding of a layer's input. `low` and `high` are its range; `seen` counts the batches that gave it."""

    low: Tensor
    high: Tensor
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, values: Tensor) -> Tensor:
        values = values.float()
        if self.training:
            self.follow(values.detach())
        scale = ((self.high - self.low) / ACTIVATION_MOST).clamp_min(SMALLEST)
        zero = (-self.low / scale).round().clamp(0, ACTIVATION_MOST).to(torch.int32)
        return torch.fake_quantize_per_tensor_affine(values, scale, zero, 0, ACTIVATION_MOST)

    @torch.no_grad()
    def follow(self, values: Tensor) -> None:
        share = MOMENTUM if self.seen else 1.0
        self.low.lerp_(values.amin().clamp_max(0), share)
        self.high.lerp_(values.amax().clamp_min(0), share)
        self.seen += 1


def insert(model: nn.Module, reduce_range: bool = False) -> int:
    """Rounds the weight and the input of every convolution and linear layer, in place; how many roundings there are."""
    layers = [layer for layer in model.modules() if isinstance(layer, LAYERS)]
    for layer in layers:
        axis = 1 if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)) else 0
        parametrize.register_parametrization(
            layer, "weight", FakeWeight(axis, REDUCED_MOST if reduce_range else WEIGHT_MOST)
        )
        layer.add_module(INPUT, FakeInput())
        layer.register_forward_pre_hook(rounded)
    return 2 * len(layers)


def rounded(layer: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """A hook that names no rounding of its own: a copied layer finds its copy's."""
    return (layer.get_submodule(INPUT)(arguments[0]), *arguments[1:])


@torch.no_grad()
def calibrate(model: nn.Module, batches: Iterable[NDArray[np.float32]]) -> None:
    """Ranges to start from, float32 N × C × H × W batches; everything but the ranges is in evaluation mode."""
    model.eval()
    inputs = [part for part in model.modules() if isinstance(part, FakeInput)]
    for part in inputs:
        part.train()
    for batch in batches:
        model(torch.from_numpy(batch))
    for part in inputs:
        part.eval()


def plain_state(model: nn.Module) -> dict[str, Tensor]:
    """The state of the network without its roundings: the names and the fp32 weights that it had before."""
    state = model.state_dict()
    kept = {name: tensor for name, tensor in state.items() if INPUT not in name.split(".")}
    return {name.replace(ORIGINAL, "weight"): tensor for name, tensor in kept.items()}
