"""Which layers of a network techniques work on: the weights that multiply activations, and the layer that gives the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def prunable(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """The weights that multiply activations: of convolutions and linear layers."""
    from torch import nn

    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)
    return [(layer, "weight") for layer in model.modules() if isinstance(layer, kinds)]


def output_layer(model: nn.Module, shape: tuple[int, int, int]) -> str | None:
    """The name of the convolution or linear layer that is called last on an image of C, H, W: the logits are its outputs.

    Its rows are the classes. None where no such layer is called.
    """
    import torch

    called: list[nn.Module] = []
    hooks = [layer.register_forward_hook(lambda layer, args, out: called.append(layer)) for layer, _ in prunable(model)]
    was_training = model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, *shape))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    names = {module: name for name, module in model.named_modules()}
    return names[called[-1]] if called else None
