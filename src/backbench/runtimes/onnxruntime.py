"""ONNX Runtime: the exported graph on its CPU or CUDA provider. Never imports torch.

"fp32" and "int8" are properties of the graph here, so `precision` asks and the graph answers: where they differ, the cell is skipped.
What was executed is read from the graph *after* the runtime's own optimisation: a float Conv between DequantizeLinear and
QuantizeLinear that was not fused computes in float, whatever the file's size says.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.operators import FLOAT, QUANTIZING, integer, operators, precision
from backbench.errors import BackbenchError, Skip, WeightsError
from backbench.registry import require
from backbench.runtimes.runtime import Runtime, Session

if TYPE_CHECKING:
    import onnxruntime

MODEL = "model.onnx"
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "off": "ORT_DISABLE_ALL",
}
QUIET = 3  # log errors only: onnxruntime's severities are 0 verbose, 1 info, 2 warning, 3 error


class OnnxRuntime(Runtime):
    """`spinning`: whether idle worker threads wait busily (onnxruntime's default: faster calls, busy processors between them)."""

    format: ClassVar[str] = "onnx"
    family: ClassVar[str] = "onnxruntime"
    preload: ClassVar[tuple[str, ...]] = ("onnxruntime",)

    precision: Literal["auto", "fp32", "int8"] = "auto"
    optimization: Literal["all", "extended", "basic", "off"] = "all"
    spinning: bool = True

    def open(self, artefact: Artefact, device: str, threads: int) -> OnnxSession:
        require("runtime onnxruntime", "onnxruntime", "onnxruntime")
        path = artefact.folder / MODEL
        provider = available(device)
        self._check_precision(path)
        return OnnxSession(self, path, provider, device, threads)

    def _check_precision(self, path: Path) -> None:
        try:
            found = precision(operators(path))
        except (OSError, ValueError) as error:
            raise WeightsError(f"{path}: this is no whole ONNX file: {error}") from None
        if self.precision not in ("auto", found):
            raise Skip(f"runtime onnxruntime: precision={self.precision} is asked for, and the graph holds {found}")

    def session_options(self, threads: int) -> onnxruntime.SessionOptions:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, LEVELS[self.optimization])
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(self.spinning)))
        return options


class OnnxSession(Session):
    """One InferenceSession; batches are OrtValues, so that the same calls serve the processor and CUDA."""

    def __init__(self, runtime: OnnxRuntime, path: Path, provider: str, device: str, threads: int) -> None:
        self._runtime, self._path, self._threads = runtime, path, threads
        self._kind, _, number = device.partition(":")
        self._number = int(number or 0)
        self._providers = [(provider, {"device_id": str(self._number)} if self._kind == "cuda" else {})]
        self._session: onnxruntime.InferenceSession | None = self._load(runtime.session_options(threads))
        taken = self._open.get_inputs()[0]
        self._input, self._shape = taken.name, list(taken.shape)
        self._output = self._open.get_outputs()[0].name

    def _load(self, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
        import onnxruntime as ort

        try:
            return ort.InferenceSession(str(self._path), options, providers=self._providers)
        except Exception as error:  # onnxruntime's errors share no base but Exception
            raise WeightsError(f"{self._path}: onnxruntime can't load the graph: {first_line(error)}") from None

    @property
    def _open(self) -> onnxruntime.InferenceSession:
        if self._session is None:
            raise BackbenchError("runtime onnxruntime: the session is closed")
        return self._session

    def upload(self, batch: NDArray[np.float32]) -> Any:
        import onnxruntime as ort

        self._check_shape(batch.shape)
        return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(batch, np.float32), self._kind, self._number)

    def _check_shape(self, given: tuple[int, ...]) -> None:
        fits = len(given) == len(self._shape) and all(
            not isinstance(side, int) or side == have for side, have in zip(self._shape, given, strict=True)
        )
        if not fits:
            takes = "x".join(str(side) if isinstance(side, int) else "N" for side in self._shape)
            raise WeightsError(f"{self._path}: the graph takes {takes}, not {'x'.join(map(str, given))}")

    def run(self, batch: Any) -> Any:
        return self._open.run_with_ort_values([self._output], {self._input: batch})[0]

    def download(self, logits: Any) -> NDArray[np.float32]:
        return np.asarray(logits.numpy(), dtype=np.float32)

    def executed(self) -> dict[str, Any]:
        """Read from the optimised graph, which a second session writes: call it outside what is timed."""
        counts = self._optimised()
        return {
            "precision": "int8" if integer(counts) else "fp32",
            "integer_operators": integer(counts),
            "float_operators": sum(counts[name] for name in FLOAT),
            "quantizing_operators": sum(counts[name] for name in QUANTIZING),
            "providers": self._open.get_providers(),
            "threads": self._threads,
            "spinning": self._runtime.spinning,
            "optimization": self._runtime.optimization,
        }

    def _optimised(self) -> Any:
        options = self._runtime.session_options(self._threads)
        with tempfile.TemporaryDirectory(prefix="backbench-") as folder:
            written = Path(folder) / MODEL
            options.optimized_model_filepath = str(written)
            self._load(options)
            return operators(written)

    def close(self) -> None:
        self._session = None


def available(device: str) -> str:
    """The provider for this device. Raises Skip where this onnxruntime has none."""
    import onnxruntime as ort

    provider = PROVIDERS[device.partition(":")[0]]
    if provider not in ort.get_available_providers():
        raise Skip(f"runtime onnxruntime: the installed onnxruntime has no {provider} for device {device}")
    return provider


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
