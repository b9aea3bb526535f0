"""What a runtime is: it opens an artefact and gives a session that computes logits.

The edges are NumPy, N × C × H × W float32 in and N × classes float32 out. `upload`, `run` and `download` are apart so
that
the `model` boundary times `run` alone and the `host` boundary all three. `run` returns when the result is there: a
runtime that
computes asynchronously synchronises inside it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.registry import Part


class Session:
    """An opened artefact; a context manager that frees what it holds."""

    def upload(self, batch: NDArray[np.float32]) -> Any:
        """The batch as the runtime's own input, where it computes."""
        raise TypeError(f"{type(self).__name__} has no upload")

    def run(self, batch: Any) -> Any:
        """The logits as the runtime's own output, computed when this returns."""
        raise TypeError(f"{type(self).__name__} has no run")

    def download(self, logits: Any) -> NDArray[np.float32]:
        raise TypeError(f"{type(self).__name__} has no download")

    def executed(self) -> dict[str, Any]:
        """What was really executed, read back from the runtime: {"precision": "fp32", …}."""
        return {}

    def close(self) -> None:
        """Frees what the session holds; a closed session raises on `run`."""

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """N × C × H × W → N × classes, through the same calls that are timed."""
        return self.download(self.run(self.upload(batch)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Runtime(Part):
    """A runtime with its options."""

    format: ClassVar[str]  # the artefact format that it opens: "module", "onnx", …
    family: ClassVar[str]  # which fork server serves it; names what that server imports
    preload: ClassVar[tuple[str, ...]] = ()  # modules that its fresh process finds imported
    tolerance: ClassVar[str] = "fp32"  # the row of the gate's table, unless options change it

    def open(self, artefact: Artefact, device: str, threads: int) -> Session:
        """Raises MissingDependency, Skip (impossible here) or WeightsError."""
        raise TypeError(f"{type(self).__name__} does not say how it opens")

    def gate(self, artefact: Artefact) -> str:
        """Which row of the gate's table of tolerances holds for this artefact."""
        return "int8" if any("quantize" in part.name for part in artefact.technique) else self.tolerance
