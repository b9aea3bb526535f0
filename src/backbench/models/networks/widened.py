"""Parameters that are stored in 16 bits and computed with in 32: the stored tensor lies behind a parametrization that widens it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class Widened(nn.Module):
    """From the stored type to float32; a network that was moved to another type keeps that one's numbers."""

    def forward(self, stored: Tensor) -> Tensor:
        return stored.float()


def floating(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """(owner, name) of each float32 parameter, each once; a shared one is left as it is."""
    seen: dict[int, int] = {}
    found = [
        (owner, name, parameter)
        for owner in model.modules()
        for name, parameter in owner._parameters.items()
        if parameter is not None and parameter.dtype == torch.float32
    ]
    for _, _, parameter in found:
        seen[id(parameter)] = seen.get(id(parameter), 0) + 1
    return [(owner, name) for owner, name, parameter in found if seen[id(parameter)] == 1]


def narrow(model: nn.Module, dtype: torch.dtype) -> int:
    """Stores every float32 parameter in `dtype`, in place; how many there are."""
    chosen = floating(model)
    for owner, name in chosen:
        parametrize.register_parametrization(owner, name, Widened(), unsafe=True)
        held = getattr(owner.parametrizations, name)
        held.original = nn.Parameter(held.original.detach().to(dtype), requires_grad=held.original.requires_grad)
    return len(chosen)


def largest(model: nn.Module) -> float:
    """The largest magnitude among the parameters that `narrow` would store."""
    return max((float(getattr(owner, name).detach().abs().max()) for owner, name in floating(model)), default=0.0)
