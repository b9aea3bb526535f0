"""Removes channels: rows and columns of weights go, in every layer that shares them, and the network is smaller.

The method is Fang et al. 2023 (arXiv:2301.12900), the library torch-pruning. Which channels go is decided by their `importance`;
what can't lose channels stays, see `dependency`, and the notes name it. Batch-norm, biases and attention heads follow.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from backbench.errors import BackbenchError
from backbench.techniques.attention import refit, widths
from backbench.techniques.dependency import Channels, where
from backbench.techniques.geometry import geometry, reshaped
from backbench.techniques.importance import Importance, criterion, gradients
from backbench.techniques.technique import Context, Technique

if TYPE_CHECKING:
    from torch import Tensor, nn

FINE = 100  # steps towards a target of MACs: one hundredth of each layer's channels at a time
Share = Annotated[float, Field(gt=0, lt=1)]


class PruneChannels(Technique):
    """Removes whole channels from every layer that shares them: fewer parameters and MACs.

    `ratio`: share of the channels that goes (0.5 where neither is given), or `macs`: share of the MACs that is left. `scope`:
    the same share in each layer, or one ranking over all. `steps`: importance is asked anew between them. `round_to`: widths
    are multiples of it. `images` of train give taylor's gradients.
    """

    stage: ClassVar[Literal["module", "graph"]] = "module"
    reshapes: ClassVar[bool] = True

    ratio: Share | None = None
    macs: Share | None = None
    importance: Importance = "l2"
    scope: Literal["local", "global"] = "local"
    steps: Annotated[int, Field(ge=1, le=100)] = 1
    round_to: Annotated[int, Field(ge=2, le=256)] | None = None
    images: Annotated[int, Field(ge=1)] = 128

    @model_validator(mode="before")
    @classmethod
    def _one_target(cls, options: Any) -> Any:
        if not isinstance(options, dict):
            return options
        if options.get("ratio") is None and options.get("macs") is None:
            return {**options, "ratio": 0.5}
        if options.get("ratio") is not None and options.get("macs") is not None:
            raise ValueError("ratio and macs are two ways to say how much goes: give one of them")
        return options

    @classmethod
    def missing(cls) -> str | None:
        if find_spec("torch_pruning") is not None:
            return None
        return "technique prune_channels needs the package 'torch-pruning': pip install 'backbench[torch]'"

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        result, notes = self.pruned(model, context)
        context.notes.update(notes)
        return result

    def rebuild(self, model: nn.Module, notes: dict[str, Any]) -> nn.Module:
        return reshaped(model, notes["geometry"])

    def pruned(self, model: nn.Module, context: Context, only: str | None = None) -> tuple[nn.Module, dict[str, Any]]:
        """The smaller network and the notes; `only` names the one group of `groups` that is pruned.

        Raises BackbenchError: a layer would vanish, the MACs can't be reached, or the network can't be traced.
        """
        try:
            return self._smaller(model, context, only, ())
        except (BackbenchError, MemoryError):
            raise
        except Exception as error:  # whatever the network's own code raises when its shapes don't fit
            operator = where(error)
        groups = self.groups(model, context) if only is None else []
        stuck = [name for name in groups if not runs_without(model, context, name)]
        if len(stuck) == len(groups):
            raise BackbenchError(f"technique prune_channels: this network can't be traced and pruned: {operator}")
        return self._smaller(model, context, None, stuck)

    def _smaller(
        self, model: nn.Module, context: Context, only: str | None, leave: Sequence[str]
    ) -> tuple[nn.Module, dict[str, Any]]:
        smaller = copy.deepcopy(model).requires_grad_(True)
        notes = self._carve(smaller, context, only, leave)
        smaller.zero_grad()
        return smaller, {**notes, "geometry": geometry(model, smaller)}

    def _carve(self, model: nn.Module, context: Context, only: str | None, leave: Sequence[str]) -> dict[str, Any]:
        """Prunes `model` in place and runs it once."""
        import torch

        example = example_of(context)
        macs = macs_of(model, example)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.seed)
            channels = self._channels(model, example)
            stays = channels.hold(leave, only)
            sizes = channels.sizes()
            if not sizes:
                raise BackbenchError(
                    f"technique prune_channels: {only or 'this network'!r} has no channels that can be removed"
                )
            if self.ratio is not None and self.scope == "local":
                channels.refuse_vanishing(self.ratio)
            self._remove(channels, model, example, macs, context)
        left = channels.sizes()
        return {
            "macs": [macs, macs_of(model, example)],
            "channels": {name: [size, left.get(name, size)] for name, size in sizes.items()},
            "left_alone": stays,
        }

    def _channels(self, model: nn.Module, example: Tensor) -> Channels:
        return Channels(
            model,
            example,
            criterion(self.importance),
            ratio=1.0 if self.ratio is None else self.ratio,
            steps=FINE if self.ratio is None else self.steps,
            everywhere=self.scope == "global",
            round_to=self.round_to,
        )

    def _remove(self, channels: Channels, model: nn.Module, example: Tensor, macs: int, context: Context) -> None:
        """All steps, or as many as bring the MACs down to their share."""
        goal = 0 if self.macs is None else int(self.macs * macs)
        while channels.more() and (self.macs is None or macs_of(model, example) > goal):
            if self.importance == "taylor":
                gradients(model, context, self.images)
            before = widths(model)
            channels.step()
            refit(model, before)
        reached = macs_of(model, example)
        if self.macs is not None and reached > goal:
            raise BackbenchError(
                f"technique prune_channels: macs={self.macs:g} can't be reached: with one channel left wherever one can be "
                f"removed, {reached / macs:.1%} of the {macs} MACs remain"
            )

    def groups(self, model: nn.Module, context: Context) -> list[str]:
        """The groups of channels that can be pruned, each by the name of its first layer."""
        channels = self._channels(copy.deepcopy(model).requires_grad_(True), example_of(context))
        channels.hold()
        return list(channels.sizes())


def runs_without(model: nn.Module, context: Context, group: str) -> bool:
    """Whether the network runs with half of this group's channels."""
    try:
        PruneChannels(ratio=0.5).pruned(model, context, only=group)
    except BackbenchError:
        return False
    return True


def example_of(context: Context) -> Tensor:
    """One image of zeros: only its shape matters."""
    import torch

    return torch.zeros(1, *context.shape)


def macs_of(model: nn.Module, example: Tensor) -> int:
    """MACs of one image (`FlopCounterMode` counts 2 FLOPs a MAC). Raises what the network raises where shapes don't fit."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(example)
    return int(counter.get_total_flops()) // 2
