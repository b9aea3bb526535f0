"""TorchScript: the traced graph, frozen (weights as constants) and rewritten for inference. Superseded in torch, still deployed widely.

A trace follows one path: a network whose path depends on the input computes something else here, which the gate finds.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.export_torchscript import MODEL
from backbench.errors import WeightsError
from backbench.runtimes.torch_session import TorchRuntime, TorchSession, precisions, use_device


class TorchScript(TorchRuntime):
    """The traced graph.

    `freeze`: weights become constants; `optimize`: torch's rewriting for inference, which fuses operators and changes
    layouts (it needs `freeze`).
    """

    format: ClassVar[str] = "torchscript"
    family: ClassVar[str] = "torchscript"
    preload: ClassVar[tuple[str, ...]] = ("torch",)
    needs: ClassVar[tuple[tuple[str, str], ...]] = (("torch", "torch"),)

    freeze: bool = True
    optimize: bool = True

    def open(self, artefact: Artefact, device: str, threads: int) -> TorchScriptSession:
        use_device(self.label(), device, threads)
        return TorchScriptSession(self, artefact, device)


class TorchScriptSession(TorchSession):
    """The loaded graph. The executor specialises it in its first calls, so those are part of warming up."""

    def __init__(self, runtime: TorchScript, artefact: Artefact, device: str) -> None:
        self._module = loaded(artefact, device)
        super().__init__(runtime.label(), self._module, device)
        self._runtime = runtime
        self._optimised = False

    def compile(self, shape: tuple[int, ...]) -> None:
        """Freezes and rewrites the graph, once and for any shape."""
        import torch

        if self._optimised:
            return
        self._optimised = True
        with deprecated():
            if self._runtime.freeze:
                self._module = torch.jit.freeze(self._module)
            if self._runtime.freeze and self._runtime.optimize:
                self._module = torch.jit.optimize_for_inference(self._module)
        self._call = self._module

    def upload(self, batch: NDArray[np.float32]) -> Any:
        self.compile(batch.shape)
        return super().upload(batch)

    def executed(self) -> dict[str, Any]:
        """Read from the graph as it stands: its constants where it is frozen, else its parameters."""
        import torch

        nodes = list(self._module.graph.nodes())
        constants = [node.t("value") for node in nodes if node.kind() == "prim::Constant" and is_tensor(node)]
        weights = [*constants, *self._module.parameters()]
        kinds = Counter(node.kind() for node in nodes)
        return {
            "precision": precisions(weights),
            "device": str(self._device),
            "threads": torch.get_num_threads(),
            "frozen": self._runtime.freeze,
            "mkldnn_operators": sum(count for kind, count in kinds.items() if "mkldnn" in kind.lower()),
            "fallbacks": {},
        }

    def close(self) -> None:
        super().close()
        self._module = None


def is_tensor(node: Any) -> bool:
    return "value" in node.attributeNames() and node.kindOf("value") == "t"


def loaded(artefact: Artefact, device: str) -> Any:
    """Raises WeightsError where the file is no whole TorchScript file."""
    import torch

    path = artefact.folder / MODEL
    try:
        with deprecated():
            return torch.jit.load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise WeightsError(f"{path}: torch can't load this TorchScript file: {str(error).splitlines()[0]}") from None


@contextmanager
def deprecated() -> Iterator[None]:
    """torch says with each call that torch.jit is deprecated."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\..*", category=FutureWarning)
        warnings.filterwarnings("ignore", message=r"`torch\.jit\..*", category=DeprecationWarning)
        yield
