"""Eager: the torch network as its author wrote it. Its fp32 is the reference that every other runtime is held against.

The network is built anew from the artefact's model, its techniques' shapes are rebuilt from their notes, and the stored weights are
loaded. fp32 means fp32: TensorFloat-32 is switched off on CUDA, for matrices and convolutions alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.rebuild import rebuild
from backbench.errors import BackbenchError, Skip
from backbench.registry import require
from backbench.runtimes.runtime import Runtime, Session

if TYPE_CHECKING:
    import torch
    from torch import nn

WEIGHTS = "weights.safetensors"
DTYPES = {"fp32": "float32", "bf16": "bfloat16"}
PRECISIONS = {"torch.float32": "fp32", "torch.bfloat16": "bf16"}


class Eager(Runtime):
    """`precision` is that of weights and activations; `channels_last` stores images as N × H × W × C."""

    format: ClassVar[str] = "module"
    family: ClassVar[str] = "torch"
    preload: ClassVar[tuple[str, ...]] = ("torch", "safetensors.torch", "timm")

    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = False

    def open(self, artefact: Artefact, device: str, threads: int) -> EagerSession:
        torch = require("runtime eager", "torch", "torch")
        if device != "cpu" and not torch.cuda.is_available():
            raise Skip(f"runtime eager: this machine has no device {device}")
        torch.set_num_threads(threads)
        if device != "cpu":
            # The older names: in torch 2.15 reading them fails after the newer ones (fp32_precision) were set.
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.allow_tf32 = False
        return EagerSession(network_of(artefact), self, device)

    def gate(self, artefact: Artefact) -> str:
        return "bf16" if self.precision == "bf16" else super().gate(artefact)


class EagerSession(Session):
    """The network in eval mode on its device, called in inference mode."""

    def __init__(self, model: nn.Module, runtime: Eager, device: str) -> None:
        import torch

        self._device = torch.device(device)
        self._dtype: torch.dtype = getattr(torch, DTYPES[runtime.precision])
        self._layout = torch.channels_last if runtime.channels_last else torch.contiguous_format
        moved = model.eval().to(device=self._device, dtype=self._dtype)
        self._model: nn.Module | None = moved.to(memory_format=torch.channels_last) if runtime.channels_last else moved

    @property
    def _open(self) -> nn.Module:
        if self._model is None:
            raise BackbenchError("runtime eager: the session is closed")
        return self._model

    def upload(self, batch: NDArray[np.float32]) -> Any:
        import torch

        host = torch.from_numpy(np.ascontiguousarray(batch, np.float32))
        placed = host.to(device=self._device, dtype=self._dtype, memory_format=self._layout)
        self._wait()
        return placed

    def run(self, batch: Any) -> Any:
        import torch

        with torch.inference_mode():
            logits = self._open(batch)
        self._wait()
        return logits

    def download(self, logits: Any) -> NDArray[np.float32]:
        return np.asarray(logits.float().cpu().numpy(), dtype=np.float32)

    def executed(self) -> dict[str, Any]:
        """Type and device of the stored weights, and the threads that torch really uses."""
        import torch

        weights = [tensor for tensor in self._open.parameters() if tensor.is_floating_point()]
        kinds = sorted({PRECISIONS.get(str(tensor.dtype), str(tensor.dtype)) for tensor in weights})
        return {
            "precision": "+".join(kinds),
            "device": "+".join(sorted({str(tensor.device) for tensor in weights})),
            "channels_last": any(
                tensor.dim() == 4
                and tensor.is_contiguous(memory_format=torch.channels_last)
                and not tensor.is_contiguous()
                for tensor in weights
            ),
            "threads": torch.get_num_threads(),
        }

    def _wait(self) -> None:
        """Until the device has computed everything: CUDA returns from a call before it is done."""
        import torch

        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def close(self) -> None:
        import torch

        self._model = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


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
