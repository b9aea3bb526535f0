"""Eager: the torch network as its author wrote it. Its fp32 is the reference that every other runtime is held against.

The network is built anew from the artefact's model, its techniques' shapes are rebuilt from their notes, and the stored weights are
loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.rebuild import rebuild
from backbench.runtimes.torch_session import DTYPES, TorchRuntime, TorchSession, described, use_device

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = "weights.safetensors"
PRELOAD = ("torch", "safetensors.torch", "timm")
NEEDS = (("torch", "torch"), ("safetensors", "torch"), ("timm", "torch"))


class Eager(TorchRuntime):
    """The torch network as its author wrote it.

    `precision` is that of weights and activations; `channels_last` stores images as N × H × W × C.
    """

    format: ClassVar[str] = "module"
    family: ClassVar[str] = "torch"
    preload: ClassVar[tuple[str, ...]] = PRELOAD
    needs: ClassVar[tuple[tuple[str, str], ...]] = NEEDS

    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = False

    def open(self, artefact: Artefact, device: str, threads: int) -> EagerSession:
        use_device(self.label(), device, threads)
        model = placed(network_of(artefact), device, self.precision, self.channels_last)
        return EagerSession(self, model, device)

    def gate(self, artefact: Artefact) -> str:
        return "bf16" if self.precision == "bf16" else super().gate(artefact)


class EagerSession(TorchSession):
    """The network in eval mode on its device."""

    def __init__(self, runtime: Eager, model: nn.Module, device: str) -> None:
        super().__init__(runtime.label(), model, device, runtime.precision, channels_last=runtime.channels_last)
        self._executed = {**described(model), "fallbacks": {}}

    def executed(self) -> dict[str, Any]:
        """Type, layout and device of the stored weights, and the threads that torch really uses."""
        import torch

        return {**self._executed, "threads": torch.get_num_threads()}


def placed(model: nn.Module, device: str, precision: str, channels_last: bool) -> nn.Module:
    """The network in eval mode, in this precision and layout, on this device."""
    import torch

    moved = model.eval().to(device=torch.device(device), dtype=getattr(torch, DTYPES[precision]))
    return moved.to(memory_format=torch.channels_last) if channels_last else moved


def network_of(artefact: Artefact) -> nn.Module:
    """The artefact's network with its weights. Raises WeightsError where they don't fit."""
    return rebuild(
        artefact.model,
        num_classes=artefact.num_classes,
        shape=artefact.input[1:],
        technique=artefact.technique,
        steps=artefact.evidence["steps"],
        weights=artefact.folder / WEIGHTS,
    )
