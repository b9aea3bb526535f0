"""Which channels of a network go together, and which must stay: torch-pruning's dependency graph, asked and checked.

Removing a channel of one layer removes it from every layer that shares it (Fang et al. 2023, arXiv:2301.12900). The graph is
traced from the gradients of one forward pass. What stays is decided here and not by the user: the layer that gives the logits,
and groups whose layers do not agree about their channels, as behind an operator that the graph wrongly takes for element-wise
(a shortcut that pads with zero channels, the merging of patches in Swin).
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backbench.errors import BackbenchError
from backbench.registry import require
from backbench.techniques.attention import head_width, heads

if TYPE_CHECKING:
    from torch import Tensor, nn

Group = Any  # torch_pruning's: pairs of a dependency and the indices it concerns
SLACK = 1e-9  # int(10 × (1 − 0.9)) is 0 in floating point: a ratio is taken this much smaller
LIBRARY = ("/torch/", "/torch_pruning/", "/backbench/techniques/")


class Channels:
    """The groups of one network's channels. `model` is pruned in place, step by step."""

    def __init__(
        self,
        model: nn.Module,
        example: Tensor,
        importance: Callable[[Group], Tensor],
        *,
        ratio: float,
        steps: int = 1,
        everywhere: bool = False,
        round_to: int | None = None,
    ) -> None:
        torch_pruning = require("technique prune_channels", "torch_pruning", "torch")
        self.types = torch_pruning.ops.OPTYPE
        self.names = {module: name for name, module in model.named_modules()}
        self.heads = heads(model)
        with tracing():
            self.pruner: Any = torch_pruning.pruner.BasePruner(
                model,
                example,
                importance=importance,
                global_pruning=everywhere,
                pruning_ratio=max(0.0, ratio - SLACK),
                iterative_steps=steps,
                round_to=round_to,
                num_heads=dict(self.heads),
                in_channel_groups={},  # the library's own defaults are shared by all its pruners
                out_channel_groups={},
                channel_groups={},
            )
        self.graph = self.pruner.DG
        if not any(node.type in (self.types.CONV, self.types.LINEAR) for node in self.graph.module2node.values()):
            raise BackbenchError(
                "technique prune_channels: this network can't be traced: no gradient of its outputs reaches a layer, so an "
                "operator on the way has none (detach, no_grad, rounding, arg-max)"
            )

    def groups(self) -> Iterator[Group]:
        """What may be pruned; each group with all its indices."""
        kinds = self.pruner.root_module_types
        return iter(self.graph.get_all_groups(ignored_layers=self.pruner.ignored_layers, root_module_types=kinds))

    def hold(self, leave: Container[str] = (), only: str | None = None) -> dict[str, str]:
        """Keeps the channels of layers that can't lose any: layer → why. `leave` and `only` name groups."""
        stays: dict[nn.Module, str] = {}
        for group in list(self.groups()):
            reason = self.why_left(group, leave, only)
            if reason:
                stays |= dict.fromkeys(self.roots(group), reason)
        self.pruner.ignored_layers = [*self.pruner.ignored_layers, *stays]
        return {self.names[layer]: reason for layer, reason in stays.items() if reason != NOT_ASKED}

    def why_left(self, group: Group, leave: Container[str], only: str | None) -> str | None:
        if self.ends(group):
            return "its outputs are the network's"
        if not self.agrees(group):
            return "the layers that share its channels do not agree about them"
        if self.name(group) in leave:
            return "the network does not run without some of its channels"
        return NOT_ASKED if only is not None and self.name(group) != only else None

    def ends(self, group: Group) -> bool:
        return any(self.out(dep) and not dep.target.outputs for dep, _ in group)

    def agrees(self, group: Group) -> bool:
        """Whether every layer has the channels that it is asked for, and all of its outputs are concerned.

        Where outputs are joined or cut, a part of a layer's outputs is no disagreement.
        """
        joins = {self.types.CONCAT, self.types.SPLIT, self.types.UNBIND}
        parts = any(dep.target.type in joins for dep, _ in group)
        for dep, places in group:
            ask = self.graph.get_out_channels if self.out(dep) else self.graph.get_in_channels
            channels = ask(dep.target)
            if channels is None or not places:
                continue
            if max(places) >= channels or (self.out(dep) and not parts and len(set(places)) != channels):
                return False
        return True

    def roots(self, group: Group) -> list[nn.Module]:
        """The convolutions and linear layers whose outputs the group is about; a depthwise one passes channels on."""
        found = [dep.target.module for dep, _ in group if self.out(dep) and self.prunes(dep)]
        return list(dict.fromkeys(found))

    def prunes(self, dep: Any) -> bool:
        return dep.target.type in (self.types.CONV, self.types.LINEAR)

    def out(self, dep: Any) -> bool:
        return bool(self.graph.is_out_channel_pruning_fn(dep.handler))

    def name(self, group: Group) -> str:
        """A group is called by the first layer that makes its channels."""
        return str(self.names[(self.roots(group) or [group[0].dep.target.module])[0]])

    def width(self, group: Group) -> int:
        """How many channels can be told apart in it: dimensions of a head for attention, channels of a group for grouped layers."""
        qkv = next((layer for layer in self.roots(group) if layer in self.heads), None)
        if qkv is not None:
            return head_width(qkv, self.heads[qkv])
        return len(group[0].idxs) // int(self.pruner._get_channel_groups(group))

    def sizes(self) -> dict[str, int]:
        """Group → the outputs of its first layer."""
        return {self.name(group): len(group[0].idxs) for group in self.groups()}

    def refuse_vanishing(self, ratio: float) -> None:
        """Raises BackbenchError where this ratio, taken in each layer, would leave a layer nothing."""
        for group in self.groups():
            width = self.width(group)
            if width > 1 and int(width * (1 - ratio + SLACK)) < 1:
                raise BackbenchError(
                    f"technique prune_channels: ratio={ratio:g} would remove all {width} channels of "
                    f"{self.name(group)!r}; at most ratio={1 - 1 / width:.4g} leaves one"
                )

    def more(self) -> bool:
        """Whether there are steps left."""
        return bool(self.pruner.current_step < self.pruner.iterative_steps)

    def step(self) -> None:
        """Prunes up to the next step's share."""
        self.pruner.step()


NOT_ASKED = "another layer was asked for"


@contextmanager
def tracing() -> Iterator[None]:
    """Gradients on, attention as its separate products (the fused operator hides them), a known advice of the library unsaid."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Unwrapped parameters detected")
        yield


def where(error: BaseException) -> str:
    """`kind: message, at (the network's own line) in function`: the operator that could not follow."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not any(part in frame.filename for part in LIBRARY)]
    frame = (own or list(frames))[-1]
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
    return f"{type(error).__name__}: {said[:200]}, at `{frame.line}` in {frame.name}"
