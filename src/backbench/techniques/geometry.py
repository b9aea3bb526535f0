"""The shapes of a network whose layers became smaller, as plain data, and back.

A pruned network differs from the one its builder makes in numbers only: the shapes of tensors, and the attributes that say
them (`out_channels`, `normalized_shape`, `head_dim`). Those numbers are kept, so that a fresh process can build the network, set
them, and load the stored weights: no pickled module, and no torch-pruning where a network is only run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

Geometry = dict[str, dict[str, Any]]
NUMBERS = (int, float)


def geometry(before: nn.Module, after: nn.Module) -> Geometry:
    """Module → {"attributes": {name: value}, "tensors": {name: shape}} as they are after, where they differ."""
    old, found = dict(before.named_modules()), {}
    for name, module in after.named_modules():
        was = old[name]
        known = numbers(was)
        attributes = {key: value for key, value in numbers(module).items() if known.get(key) != value}
        shapes = {key: list(tensor.shape) for key, tensor in tensors(module).items()}
        changed = {key: shape for key, shape in shapes.items() if shape != list(tensors(was)[key].shape)}
        if attributes or changed:
            found[name] = {"attributes": attributes, "tensors": changed}
    return found


def reshaped(model: nn.Module, found: Geometry) -> nn.Module:
    """`model` with the attributes and shapes of `found`, changed in place; tensors of another shape hold no values yet."""
    for name, change in found.items():
        module = model.get_submodule(name)
        for key, value in change["attributes"].items():
            setattr(module, key, tuple(value) if isinstance(value, list) else value)
        for key, shape in change["tensors"].items():
            resize(module, key, shape)
    return model


def resize(module: nn.Module, key: str, shape: list[int]) -> None:
    import torch
    from torch import nn

    old = tensors(module)[key]
    empty = torch.zeros(shape, dtype=old.dtype)
    setattr(module, key, nn.Parameter(empty) if isinstance(old, nn.Parameter) else empty)


def tensors(module: nn.Module) -> dict[str, Tensor]:
    """The module's own parameters and buffers, without its children's."""
    return {**dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}


def numbers(module: nn.Module) -> dict[str, Any]:
    """The module's own attributes that are numbers or sequences of numbers, sequences as lists."""
    return {key: listed(value) for key, value in vars(module).items() if numeric(value)}


def numeric(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(numeric, value))
    return isinstance(value, NUMBERS) and not isinstance(value, bool)


def listed(value: Any) -> Any:
    return [listed(item) for item in value] if isinstance(value, (list, tuple)) else value
