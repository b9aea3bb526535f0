"""2:4 sparsity: of four weights in a row the two smallest become zero (Mishra et al. 2021, arXiv:2104.08378).

A mask in a pattern that sparse tensor cores can skip. A processor has no such kernels: torch's and torchao's semi-structured
tensors are made for CUDA alone ("Only CUDA tensors are currently supported"), so off CUDA it is skipped with that reason. On
CUDA the weights carry the pattern, stored dense, and the evidence calls them masks: what a runtime makes of them shows in the
measured speed alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from backbench.techniques.layers import output_layer
from backbench.techniques.masks import Layer, masked
from backbench.techniques.technique import Context, Technique

if TYPE_CHECKING:
    from torch import Tensor, nn

DRIVER = Path("/proc/driver/nvidia/version")  # asked instead of torch: `backbench list` loads nothing heavy
ROW, KEPT = 4, 2


class Prune24(Technique):
    """Masks the two smallest of every four weights, a pattern for CUDA's sparse tensor cores; skipped where there is no CUDA."""

    stage: ClassVar[Literal["module", "graph"]] = "module"
    masks: ClassVar[bool] = True

    @classmethod
    def missing(cls) -> str | None:
        if DRIVER.exists():
            return None
        return "technique prune_24 needs CUDA: kernels that skip 2:4 zeros exist for NVIDIA's sparse tensor cores only"

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        head = output_layer(model, context.shape)
        result, notes = masked(model, mask, leave=head)
        context.notes.update(notes, pattern="2:4", left_alone=head)
        return result


def mask(layers: list[Layer]) -> None:
    """Masks every weight whose row (all inputs of one output) divides into fours; others stay whole."""
    from torch.nn.utils import prune

    for layer, name in layers:
        weight = getattr(layer, name)
        if weight[0].numel() % ROW == 0:
            prune.custom_from_mask(layer, name, two_of_four(weight))


def two_of_four(weight: Tensor) -> Tensor:
    """1 for the two largest of each four along a row, else 0; the weight's shape."""
    import torch

    fours = weight.detach().abs().reshape(-1, ROW)
    kept = torch.zeros_like(fours).scatter_(1, fours.topk(KEPT, dim=1).indices, 1.0)
    return kept.reshape(weight.shape)
