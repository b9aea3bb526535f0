"""Masks: weights that become zero and stay where they are.

The tensors keep their shapes. Stored parameters, the file's bytes and the multiplications of a dense kernel stay what they
were; the evidence says so, and a record of a masked network carries a warning. torch's own `torch.nn.utils.prune` sets the
masks, which are made permanent in a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backbench.errors import BackbenchError
from backbench.techniques.layers import prunable

if TYPE_CHECKING:
    from torch import Tensor, nn

Layer = tuple["nn.Module", str]


def masked(
    model: nn.Module, mask: Callable[[list[Layer]], None], *, leave: str | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """A copy whose weights `mask` has set to zero, and the notes. `leave` names a layer that is left alone.

    Raises BackbenchError where a layer would hold nothing but zeros.
    """
    from torch.nn.utils import prune

    working, result = copy.deepcopy(model), copy.deepcopy(model)
    layers = [(layer, name) for layer, name in prunable(working) if layer is not submodule(working, leave)]
    mask(layers)
    for layer, name in layers:
        if prune.is_pruned(layer):
            prune.remove(layer, name)
    result.load_state_dict(working.state_dict())  # removing a mask puts its weight last; here the order stays
    counts = zeros(result, leave)
    refuse_empty(model, counts)
    return result, notes(counts)


def submodule(model: nn.Module, name: str | None) -> nn.Module | None:
    return None if name is None else model.get_submodule(name)


def zeros(model: nn.Module, leave: str | None = None) -> dict[str, tuple[int, int]]:
    """Layer → elements of its weight, and how many of them are zero."""
    kept = {id(layer) for layer, _ in prunable(model)}
    weights = {name: layer.weight for name, layer in model.named_modules() if id(layer) in kept and name != leave}
    return {name: (weight.numel(), count(weight)) for name, weight in weights.items()}


def count(tensor: Tensor) -> int:
    return int((tensor == 0).sum())


def refuse_empty(model: nn.Module, counts: dict[str, tuple[int, int]]) -> None:
    """Raises BackbenchError for a layer that is all zeros now and was not before."""
    before = zeros(model)
    empty = [name for name, (elements, gone) in counts.items() if elements == gone != before[name][1]]
    if empty:
        raise BackbenchError(
            f"the mask would set every weight of {empty[0]!r} to zero"
            + (f" (and of {len(empty) - 1} more layers)" if len(empty) > 1 else "")
            + ": nothing would pass it any more; a smaller amount leaves some"
        )


def notes(counts: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Elements and zeros in all masked tensors, and of each layer."""
    return {
        "masks": True,
        "prunable": sum(elements for elements, _ in counts.values()),
        "zeros": sum(gone for _, gone in counts.values()),
        "layers": {name: list(pair) for name, pair in counts.items()},
    }
