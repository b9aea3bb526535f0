"""Magnitude pruning without structure: the smallest weights become zero (L1; Han et al. 2015, arXiv:1506.02626).

A mask, no removal: see `masks`. Batch-norm, biases and other vectors are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from backbench.techniques.masks import Layer, masked
from backbench.techniques.technique import Context, Technique

if TYPE_CHECKING:
    from torch import nn


class PruneUnstructured(Technique):
    """Masks the smallest weights; nothing is removed (`prune_channels` does).

    `amount`: share of the prunable weights that becomes zero; `scope`: ranked in each layer, or over all of them.
    """

    stage: ClassVar[Literal["module", "graph"]] = "module"
    masks: ClassVar[bool] = True

    amount: Annotated[float, Field(ge=0, lt=1)] = 0.5
    scope: Literal["local", "global"] = "global"

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        result, notes = masked(model, {"local": self._local, "global": self._global}[self.scope])
        context.notes.update(notes)
        return result

    def _local(self, layers: list[Layer]) -> None:
        from torch.nn.utils import prune

        for layer, name in layers:
            prune.l1_unstructured(layer, name, amount=self.amount)

    def _global(self, layers: list[Layer]) -> None:
        from torch.nn.utils import prune

        prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=self.amount)
