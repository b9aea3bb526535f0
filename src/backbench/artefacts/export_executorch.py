"""ExecuTorch: a program for small devices, with everything that XNNPACK can compute handed to it.

Batches may be of any size up to `LARGEST`: memory is planned for the largest one, and touched only as far as it is used. Where
a convolution takes the input, torch's own analysis of sizes allows 15 (seen with torch 2.15); the runtime reads the bound back.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backbench.artefacts.export import Shape, first_line, silent
from backbench.errors import BackbenchError
from backbench.registry import require

if TYPE_CHECKING:
    from torch import nn

MODEL = "model.pte"
LARGEST = 64


def to_executorch(model: nn.Module, shape: Shape, folder: Path, device: str) -> None:
    """`model.pte`. Raises BackbenchError where the network can't be exported, MissingDependency without executorch."""
    torch = require("the export to ExecuTorch", "torch", "torch")
    with silent(), lowering():
        require("the export to ExecuTorch", "executorch", "executorch")
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        batch = torch.export.Dim("batch", min=1, max=LARGEST)
        try:
            program = torch.export.export(model.eval(), (torch.zeros(2, *shape),), dynamic_shapes=({0: batch},))
            lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
            (folder / MODEL).write_bytes(lowered.to_executorch().buffer)
        except Exception as error:  # executorch's errors share no base but Exception
            raise BackbenchError(f"the export to ExecuTorch failed: {first_line(error)}") from None


@contextmanager
def lowering() -> Iterator[None]:
    """executorch, and what it imports, warn of deprecated and experimental insides with each use, and log their passes."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            root.setLevel(level)
