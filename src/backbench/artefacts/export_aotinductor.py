"""AOTInductor: the network compiled to machine code for this processor or GPU, as a package that holds its weights."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backbench.artefacts.export import Shape, first_line, silent
from backbench.errors import BackbenchError
from backbench.registry import require

if TYPE_CHECKING:
    from torch import nn

MODEL = "model.pt2"
# Kernels ask for the number of threads when they run: the package is compiled once, and measured with any budget.
CONFIG = {"cpp.dynamic_threads": True, "compile_threads": 1, "freezing": True}


def to_aotinductor(model: nn.Module, shape: Shape, folder: Path, device: str) -> None:
    """`model.pt2`, for batches of any size. Raises BackbenchError where it can't be exported or compiled."""
    torch = require("the export to AOTInductor", "torch", "torch")
    batch = torch.export.Dim("batch", min=1, max=4096)
    model, example = model.eval().to(device), torch.zeros(2, *shape, device=device)
    with silent(), compiling(), torch.no_grad():
        try:
            program = torch.export.export(model, (example,), dynamic_shapes=({0: batch},))
            torch._inductor.aoti_compile_and_package(
                program, package_path=str(folder / MODEL), inductor_configs=dict(CONFIG)
            )
        except Exception as error:  # inductor's errors share no base but Exception
            raise BackbenchError(f"the export to AOTInductor failed: {first_line(error)}") from None


@contextmanager
def compiling() -> Iterator[None]:
    """A folder of its own for what the compiler leaves, and none of its log."""
    log, before = logging.getLogger("torch._inductor"), os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    level = log.level
    log.setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="backbench-") as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        try:
            yield
        finally:
            log.setLevel(level)
            del os.environ["TORCHINDUCTOR_CACHE_DIR"]
            if before is not None:
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = before
