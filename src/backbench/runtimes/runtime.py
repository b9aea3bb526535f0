"""What a runtime is: it opens an artefact and gives a session that computes logits.

The edges are NumPy, N × C × H × W float32 in and N × classes float32 out. `upload`, `run` and `download` are apart so
that the `model` boundary times `run` alone and the `host` boundary all three. `run` returns when the result is there:
a runtime that computes asynchronously synchronises inside it.

    open      load time: the file is read and the session stands
    compile   compile time: made ready for one shape of batch, where the runtime compiles for one
    run       the first call after these two is the first inference
"""

from __future__ import annotations

from importlib.util import find_spec
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.errors import MissingDependency, Skip
from backbench.registry import Part
from backbench.runtimes.node_time import NodeTime
from backbench.techniques.chain import tolerance


class Session:
    """An opened artefact; a context manager that frees what it holds."""

    largest: int | None = None  # the largest batch that the file was planned for, where there is one

    def compile(self, shape: tuple[int, ...]) -> None:
        """Makes ready for batches N × C × H × W of this shape. Nothing to do where no shape is compiled for.

        `upload` does the same for a shape that is new.
        """

    def upload(self, batch: NDArray[np.float32]) -> Any:
        """The batch as the runtime's own input, where it computes."""
        raise TypeError(f"{type(self).__name__} has no upload")

    def run(self, batch: Any) -> Any:
        """The logits as the runtime's own output, computed when this returns."""
        raise TypeError(f"{type(self).__name__} has no run")

    def download(self, logits: Any) -> NDArray[np.float32]:
        raise TypeError(f"{type(self).__name__} has no download")

    def executed(self) -> dict[str, Any]:
        """What was really executed, read back from the runtime: {"precision": "fp32", "fallbacks": {}, …}.

        `fallbacks`: operators that the runtime did not execute as it was asked to (in the precision, on the device,
        in its own kernels), each with how many; {} where there are none, no such entry where it can't be told.
        """
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
    also: ClassVar[tuple[str, ...]] = ()  # other formats that it opens, where a file of one is given
    family: ClassVar[str]  # which fork server serves it; names what that server imports
    preload: ClassVar[tuple[str, ...]] = ()  # modules that its fresh process finds imported
    needs: ClassVar[tuple[tuple[str, str], ...]] = ()  # packages, each with the extra of backbench that brings it
    tolerance: ClassVar[str] = "fp32"  # the row of the gate's table, unless options change it

    @classmethod
    def missing(cls) -> str | None:
        """Which package is not installed, or None. Imports nothing."""
        for package, extra in cls.needs:
            if find_spec(package) is None:
                return str(MissingDependency(cls.label(), package, extra))
        return None

    @classmethod
    def label(cls) -> str:
        """What messages call it."""
        return f"runtime {cls.__name__.lower()}"

    def open(self, artefact: Artefact, device: str, threads: int) -> Session:
        """Raises MissingDependency, Skip (impossible here) or WeightsError."""
        raise TypeError(f"{type(self).__name__} does not say how it opens")

    def gate(self, artefact: Artefact) -> str:
        """Which row of the gate's table of tolerances holds for this artefact."""
        return "int8" if artefact.evidence.get("quantized") else tolerance(artefact.technique) or self.tolerance

    def node_times(
        self, artefact: Artefact, device: str, threads: int, batch: NDArray[np.float32], calls: int
    ) -> list[NodeTime]:
        """Seconds of each operator, means over `calls` after warming up. Raises Skip where the library tells none."""
        raise Skip(f"{self.label()}: the library tells no time per operator")
