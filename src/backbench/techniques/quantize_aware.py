"""Quantization-aware training: a few epochs in which weights and activations are rounded to int8 on the way, so that the weights learn
to live with it (Jacob et al. 2018, arXiv:1712.05877).

It leaves a network of the same shape with other weights, still fp32: on its own nothing is smaller or faster. So a chain that holds it is
completed with `quantize_static`, which converts it by the route of the runtime; naming that step oneself sets its options. The reference
of the gate is the trained network before it is converted. Selection is on the validation part, with the rounding in place.
"""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backbench.errors import Skip
from backbench.techniques.technique import Context, Stage, Technique
from backbench.training import recipe as recipes

if TYPE_CHECKING:
    from torch import nn

CALIBRATION = 256  # images of train that give the ranges which training starts from


class QuantizeAware(Technique):
    """`recipe`: how it is trained; it is converted by `quantize_static`, which the chain is completed with."""

    stage: ClassVar[Stage] = "module"
    trains: ClassVar[bool] = True
    followed_by: ClassVar[str | None] = "quantize_static"

    recipe: str = "short"

    def check(self) -> None:
        recipes.load_recipe(self.recipe)

    def content(self) -> dict[str, Any]:
        return {"recipe": recipes.load_recipe(self.recipe).identity()}

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        from backbench.training import fake_quantization
        from backbench.training.loop import train

        refuse_frozen(model)
        if not len(context.dataset.train):
            raise Skip(f"technique quantize_aware: it trains, and {context.dataset.name} has no train part")
        rounding, how = copy.deepcopy(model), recipes.load_recipe(self.recipe)
        places = fake_quantization.insert(rounding)
        fake_quantization.calibrate(rounding, first_batches(context))
        with tempfile.TemporaryDirectory() as folder:
            done = train(
                rounding, context.dataset, context.preprocessing, how,
                seed=context.seed, folder=Path(folder), device=context.device, max_memory=context.settings.max_memory,
                tell=lambda progress: context.progress(f"quantize_aware: {progress}"),
            )  # fmt: skip
        context.notes.update(fake_quantizers=places, recipe=how.model_dump(mode="json"), training=done.about)
        trained = copy.deepcopy(model)
        trained.load_state_dict(fake_quantization.plain_state(done.model))
        return trained.eval()


def refuse_frozen(model: nn.Module) -> None:
    """Raises Skip for a network that gradient steps can't change: a frozen or scripted graph."""
    import torch

    if isinstance(model, torch.jit.ScriptModule):
        raise Skip(
            "technique quantize_aware: this network is a frozen TorchScript graph, and no rounding can be put into it; "
            "give the module itself"
        )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise Skip("technique quantize_aware: this network is frozen, it has no weight that can be trained")


def first_batches(context: Context) -> Any:
    from backbench.techniques import calibration

    chosen = calibration.places(len(context.dataset.train), CALIBRATION, context.seed)
    shape = (context.preprocessing.channels, *context.preprocessing.size)
    return calibration.batches(context, chosen, shape)
