"""Magnitude pruning without structure: the smallest weights become zero (L1; Han et al. 2015, arXiv:1506.02626).

The tensors keep their shapes: the stored parameters, the file's bytes and the multiplications of a dense kernel stay what they were, and
the evidence says so. Batch-norm, biases and other vectors are left alone. torch's own `torch.nn.utils.prune` does the work,
and its masks are made permanent in a copy.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from backbench.techniques.technique import Context, Technique

if TYPE_CHECKING:
    from torch import nn


class PruneUnstructured(Technique):
    """`amount`: share of the prunable weights that becomes zero; `scope`: ranked in each layer, or over all of them."""

    stage: ClassVar[Literal["module", "graph"]] = "module"

    amount: Annotated[float, Field(ge=0, lt=1)] = 0.5
    scope: Literal["local", "global"] = "global"

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        from torch.nn.utils import prune

        masked, pruned = copy.deepcopy(model), copy.deepcopy(model)
        layers = prunable(masked)
        if self.scope == "global":
            prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=self.amount)
        else:
            for layer, name in layers:
                prune.l1_unstructured(layer, name, amount=self.amount)
        for layer, name in layers:
            prune.remove(layer, name)
        pruned.load_state_dict(masked.state_dict())  # removing a mask puts its weight last; here the order stays
        context.notes.update(zeros(prunable(pruned)))
        return pruned


def prunable(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """The weights that multiply activations: of convolutions and linear layers."""
    from torch import nn

    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)
    return [(layer, "weight") for layer in model.modules() if isinstance(layer, kinds)]


def zeros(layers: list[tuple[nn.Module, str]]) -> dict[str, int]:
    """Elements and zeros in all pruned tensors."""
    tensors = [getattr(layer, name) for layer, name in layers]
    return {
        "prunable": sum(tensor.numel() for tensor in tensors),
        "zeros": sum(int((tensor == 0).sum()) for tensor in tensors),
    }
