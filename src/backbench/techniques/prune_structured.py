"""Whole channels by their norm, as masks: rows of each weight become zero and stay (Li et al. 2017, arXiv:1608.08710).

What `torch.nn.utils.prune.ln_structured` does, and what is often printed as structured pruning: the channel is computed as
before, only from zeros. `prune_channels` removes it. The layer that gives the logits is left alone: its rows are the classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from backbench.techniques.layers import output_layer
from backbench.techniques.masks import Layer, masked
from backbench.techniques.technique import Context, Technique

if TYPE_CHECKING:
    from torch import nn


class PruneStructured(Technique):
    """Masks whole channels of each layer; nothing is removed (`prune_channels` does).

    `amount`: share of a layer's channels that becomes zero, the smallest by their L`norm`; `dim`: 0 output channels, 1 input channels.
    """

    stage: ClassVar[Literal["module", "graph"]] = "module"
    masks: ClassVar[bool] = True

    amount: Annotated[float, Field(ge=0, lt=1)] = 0.3
    norm: Literal[1, 2] = 2
    dim: Literal[0, 1] = 0

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        head = output_layer(model, context.shape)
        result, notes = masked(model, self._mask, leave=head)
        context.notes.update(notes, left_alone=head)
        return result

    def _mask(self, layers: list[Layer]) -> None:
        from torch.nn.utils import prune

        for layer, name in layers:
            prune.ln_structured(layer, name, amount=self.amount, n=self.norm, dim=self.dim)
