"""Quantization-aware training: a few epochs in which weights and activations are rounded to int8 on the way, so that the weights learn
to live with it (Jacob et al. 2018, arXiv:1712.05877).

It leaves a network of the same shape with other weights, still fp32: on its own nothing is smaller or faster. So a chain that holds it is
completed with `quantize_static`, which converts it by the route of the runtime; naming that step oneself sets its options. The reference
of the gate is the trained network before it is converted. Selection is on the validation part, with the rounding in place; zeros that
a mask of the same chain has set stay zero.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backbench.errors import Skip
from backbench.techniques import calibration
from backbench.techniques.finetune import NOT_NOTED
from backbench.techniques.routes import halved
from backbench.techniques.technique import Context, Stage, Technique
from backbench.training.recipe import load_recipe

if TYPE_CHECKING:
    from torch import nn

CALIBRATION = 256  # images of train that give the ranges which training starts from


class QuantizeAware(Technique):
    """`recipe`: how it is trained; it is converted by `quantize_static`, which the chain is completed with;
    `reduce_range`: weights are rounded to 7 bits, as `quantize_static` says; null for what the processor needs that reads the study.
    """

    stage: ClassVar[Stage] = "module"
    trains: ClassVar[bool] = True
    followed_by: ClassVar[str | None] = "quantize_static"

    recipe: str = "short"
    reduce_range: bool | None = None

    def check(self) -> None:
        load_recipe(self.recipe)

    def content(self) -> dict[str, Any]:
        return {"recipe": load_recipe(self.recipe).identity()}

    def resolve(self, runtime: str) -> QuantizeAware:
        return self.model_copy(update={"reduce_range": halved(self.reduce_range)})

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        from backbench.training import fake_quantization
        from backbench.training.further import Further, train_further

        refuse_frozen(model)
        rounding = copy.deepcopy(model)
        count = fake_quantization.insert(rounding, reduce_range=halved(self.reduce_range))
        fake_quantization.calibrate(rounding, first_batches(context))
        masked = any(step["notes"].get("masks") for step in context.earlier)
        wanted = Further(
            rounding, context.dataset, context.preprocessing, load_recipe(self.recipe), context.seed, context.settings,
            device=context.device, hold_zeros=masked, tell=lambda text: context.progress(f"quantize_aware: {text}"),
        )  # fmt: skip
        done, about = train_further(wanted)
        noted = {key: value for key, value in about.items() if key not in NOT_NOTED}
        context.notes.update(fake_quantizers=count, training=noted)
        trained = copy.deepcopy(model)
        trained.load_state_dict(fake_quantization.plain_state(done))
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


def first_batches(context: Context) -> Iterator[NDArray[np.float32]]:
    """What gives the first ranges. Raises Skip where there is nothing to train on."""
    have = len(context.dataset.train)
    if not have or not len(context.dataset.validation):
        raise Skip(
            f"technique quantize_aware: it trains and selects, and {context.dataset.name} has no train or validation part"
        )
    chosen = calibration.places(have, min(CALIBRATION, have), context.seed)
    return calibration.batches(context, chosen, context.shape)
