"""TorchScript: the network traced with a batch of two, so that the size of the batch stays free."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backbench.artefacts.export import Shape, first_line
from backbench.errors import BackbenchError
from backbench.registry import require

if TYPE_CHECKING:
    from torch import nn

MODEL = "model.pt"


def to_torchscript(model: nn.Module, shape: Shape, folder: Path, device: str) -> None:
    """`model.pt`. Raises BackbenchError where the network can't be traced."""
    torch = require("the export to TorchScript", "torch", "torch")
    from backbench.models.networks.routed import Routed

    example = torch.zeros(2, *shape)
    with tracing(), torch.no_grad():
        try:
            if isinstance(model, Routed):  # a trace would hold the one path of its example
                traced = torch.jit.script(model.eval())
            else:
                traced = torch.jit.trace(model.eval(), example, check_trace=False)  # the gate checks it, on real inputs
            torch.jit.save(traced, str(folder / MODEL))
        except Exception as error:  # the tracer's errors share no base but Exception
            raise BackbenchError(f"the export to TorchScript failed: {first_line(error)}") from None


@contextmanager
def tracing() -> Iterator[None]:
    """torch.jit is deprecated and says so; the tracer warns of every shape that it reads as a number."""
    from torch.jit._trace import TracerWarning

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\..*")
        warnings.filterwarnings("ignore", category=TracerWarning)
        yield
