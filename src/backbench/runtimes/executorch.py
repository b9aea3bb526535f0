"""ExecuTorch: the program that XNNPACK computes, as on a phone, called through its Python bindings (which hold torch).

What XNNPACK did not take is computed by portable kernels, one element after the other: those are the fallbacks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.export_executorch import MODEL, lowering
from backbench.errors import Skip, WeightsError
from backbench.registry import require
from backbench.runtimes.executorch_program import read_program
from backbench.runtimes.runtime import Runtime
from backbench.runtimes.torch_session import TorchSession, use_device

BINDINGS = "executorch.extension.pybindings.portable_lib"
METHOD = "forward"


class ExecuTorch(Runtime):
    """XNNPACK through ExecuTorch: what computes what was decided when the program was exported."""

    format: ClassVar[str] = "executorch"
    family: ClassVar[str] = "executorch"
    preload: ClassVar[tuple[str, ...]] = ("torch", BINDINGS)
    needs: ClassVar[tuple[tuple[str, str], ...]] = (("torch", "torch"), ("executorch", "executorch"))

    def open(self, artefact: Artefact, device: str, threads: int) -> ExecuTorchSession:
        if device != "cpu":
            raise Skip(f"{self.label()}: XNNPACK computes on the processor, not on {device}")
        use_device(self.label(), device, threads)
        return ExecuTorchSession(self, artefact.folder / MODEL, threads)


class ExecuTorchSession(TorchSession):
    """The loaded method, and the largest input that its memory was planned for."""

    def __init__(self, runtime: ExecuTorch, path: Path, threads: int) -> None:
        with lowering():
            library = require(runtime.label(), BINDINGS, "executorch")
            library._unsafe_reset_threadpool(threads)
            self._program, method, self._planned = load(path)
        self._library, self._path = library, path
        self.largest = self._planned[0]
        super().__init__(runtime.label(), lambda batch: method.execute([batch])[0], "cpu")

    def upload(self, batch: NDArray[np.float32]) -> Any:
        if batch.shape[1:] != self._planned[1:] or len(batch) > self._planned[0]:
            takes, given = ("x".join(map(str, sides)) for sides in (self._planned[1:], batch.shape))
            raise WeightsError(f"{self._path}: the program takes up to {self._planned[0]} times {takes}, not {given}")
        return super().upload(batch)

    def executed(self) -> dict[str, Any]:
        """Read from the program's file: what XNNPACK computes and in which type, and what it left."""
        with lowering():
            found = read_program(self._path)
        return {
            "precision": found.precision,
            "precisions": dict(sorted(found.computing.items())),
            "threads": int(self._library._threadpool_get_thread_count()),
            "delegated_operators": found.delegated.total(),
            "fallbacks": dict(sorted(found.left.items())),
        }

    def close(self) -> None:
        super().close()
        self._program = None


def load(path: Path) -> tuple[Any, Any, tuple[int, ...]]:
    """(program, its method, the largest input). Raises WeightsError where it is no whole program."""
    from executorch.runtime import Runtime as Library

    try:
        program = Library.get().load_program(path)
        method = program.load_method(METHOD)
        largest = tuple(program.metadata(METHOD).input_tensor_meta(0).sizes())
    except (RuntimeError, KeyError, ValueError, OSError) as error:
        raise WeightsError(f"{path}: executorch can't load this program: {str(error).splitlines()[0]}") from None
    return program, method, largest
