"""ONNX Runtime: the exported graph on one of its providers: its own for processors and CUDA, TensorRT, OpenVINO. Never imports torch.

"fp32" and "int8" are properties of the graph here, so `precision` asks and the graph answers: where they differ, the cell is skipped.
"bf16" and "fp16" are what TensorRT and OpenVINO may be asked to compute a float graph in; they get no choice of their own.
What was executed is read from the graph *after* the runtime's own optimisation: a float Conv between DequantizeLinear and
QuantizeLinear that was not fused computes in float, whatever the file's size says.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.operators import FLOAT, QUANTIZING, integer, operators, precision
from backbench.errors import BackbenchError, Skip, WeightsError
from backbench.registry import require
from backbench.runtimes.node_time import NodeTime
from backbench.runtimes.onnxruntime_profile import node_times, read_events
from backbench.runtimes.onnxruntime_providers import PROVIDERS, Provider, available
from backbench.runtimes.runtime import Runtime, Session

if TYPE_CHECKING:
    import onnxruntime

MODEL = "model.onnx"
LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "off": "ORT_DISABLE_ALL",
}
WARM = 3  # calls before operators are timed
QUIET = 3  # log errors only: onnxruntime's severities are 0 verbose, 1 info, 2 warning, 3 error


class OnnxRuntime(Runtime):
    """ONNX Runtime on the exported graph.

    `precision`: fp32 and int8 must be what the graph holds; bf16 and fp16 are for providers that convert. `provider`:
    auto is `cpu` on a processor and `cuda` on a GPU. `spinning`: whether idle worker threads wait busily (onnxruntime's
    default: faster calls, busy processors between them).
    """

    format: ClassVar[str] = "onnx"
    family: ClassVar[str] = "onnxruntime"
    preload: ClassVar[tuple[str, ...]] = ("onnxruntime",)
    needs: ClassVar[tuple[tuple[str, str], ...]] = (("onnxruntime", "onnxruntime"),)

    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = "auto"
    provider: Literal["auto", "cpu", "cuda", "tensorrt", "openvino"] = "auto"
    optimization: Literal["all", "extended", "basic", "off"] = "all"
    spinning: bool = True

    @model_validator(mode="after")
    def _check_provider(self) -> Self:
        converting = [name for name, provider in PROVIDERS.items() if provider.converts]
        if self.precision in ("bf16", "fp16") and self.provider not in converting:
            raise ValueError(f"precision {self.precision} needs a provider that converts: {' or '.join(converting)}")
        return self

    def open(self, artefact: Artefact, device: str, threads: int) -> OnnxSession:
        require(self.label(), "onnxruntime", "onnxruntime")
        path = artefact.folder / MODEL
        provider = available(self.provider, device)
        self._check_precision(path)
        return OnnxSession(self, path, provider, device, threads)

    def _check_precision(self, path: Path) -> None:
        try:
            found = precision(operators(path))
        except (OSError, ValueError) as error:
            raise WeightsError(f"{path}: this is no whole ONNX file: {error}") from None
        if self.precision in ("fp32", "int8") and self.precision != found:
            raise Skip(f"{self.label()}: precision={self.precision} is asked for, and the graph holds {found}")

    def gate(self, artefact: Artefact) -> str:
        row = super().gate(artefact)
        return "bf16" if row == "fp32" and self.precision in ("bf16", "fp16") else row

    def session_options(self, threads: int) -> onnxruntime.SessionOptions:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, LEVELS[self.optimization])
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(self.spinning)))
        return options

    def node_times(
        self, artefact: Artefact, device: str, threads: int, batch: NDArray[np.float32], calls: int
    ) -> list[NodeTime]:
        with self.open(artefact, device, threads) as session:
            return node_times(session.profiled(batch, calls), calls)


class OnnxSession(Session):
    """One InferenceSession; batches are OrtValues, so that the same calls serve the processor and CUDA."""

    def __init__(self, runtime: OnnxRuntime, path: Path, provider: Provider, device: str, threads: int) -> None:
        self._runtime, self._path, self._threads, self._provider = runtime, path, threads, provider
        self._kind, _, number = device.partition(":")
        self._number = int(number or 0)
        self._session: onnxruntime.InferenceSession | None = self._load(runtime.session_options(threads))
        if len(self._open.get_inputs()) != 1:
            names = ", ".join(taken.name for taken in self._open.get_inputs())
            raise WeightsError(f"{path}: the graph takes several inputs ({names}); one batch of images is given")
        taken = self._open.get_inputs()[0]
        self._input, self._shape = taken.name, list(taken.shape)
        self._output = self._open.get_outputs()[0].name

    def _load(self, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
        import onnxruntime as ort

        with tempfile.TemporaryDirectory(prefix="backbench-") as folder:  # for what a provider reads from a file
            providers = self._provider.listed(self._runtime.precision, self._number, self._threads, Path(folder))
            try:
                return ort.InferenceSession(str(self._path), options, providers=providers)
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
        """Read from the optimised graph, which a second session writes: call it outside what is timed.

        A provider that takes whole parts of the graph keeps them to itself: then the precision is the one asked for.
        """
        stored = operators(self._path)
        counts = stored if self._provider.swallows else self._optimised()
        asked = self._runtime.precision if self._runtime.precision != "auto" else precision(stored)
        return {
            "precision": asked if self._provider.swallows else "int8" if integer(counts) else "fp32",
            "precision_is": "asked for" if self._provider.swallows else "read from the optimised graph",
            "integer_operators": integer(counts),
            "float_operators": sum(counts[name] for name in FLOAT),
            "quantizing_operators": sum(counts[name] for name in QUANTIZING),
            "providers": self._open.get_providers(),
            "threads": self._threads,
            "spinning": self._runtime.spinning,
            "optimization": self._runtime.optimization,
            "fallbacks": self._fallbacks(counts, quantized=precision(stored) == "int8"),
        }

    def _fallbacks(self, counts: Counter[str], quantized: bool) -> dict[str, int]:
        """Operators that another provider computed; in a quantized graph those that compute in float."""
        found = {name: counts[name] for name in FLOAT if counts[name] and quantized}
        if self._provider.kind == "cpu":
            return found
        batch = np.zeros([side if isinstance(side, int) else 1 for side in self._shape], np.float32)
        elsewhere = Counter(
            f"{time.kind} on {time.kernel}"
            for time in node_times(self.profiled(batch, 1), 1)
            if time.kernel != self._provider.name
        )
        return {**found, **elsewhere}

    def _optimised(self) -> Counter[str]:
        options = self._runtime.session_options(self._threads)
        with tempfile.TemporaryDirectory(prefix="backbench-") as folder:
            written = Path(folder) / MODEL
            options.optimized_model_filepath = str(written)
            self._load(options)
            return operators(written)

    def profiled(self, batch: NDArray[np.float32], calls: int) -> list[dict[str, Any]]:
        """The events that a second session with onnxruntime's profiler writes, warm-up calls among them."""
        options = self._runtime.session_options(self._threads)
        with tempfile.TemporaryDirectory(prefix="backbench-") as folder:
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(folder) / "profile")
            session, given = self._load(options), self.upload(batch)
            for _ in range(WARM + calls):
                session.run_with_ort_values([self._output], {self._input: given})
            return read_events(json.loads(Path(session.end_profiling()).read_text()))

    def close(self) -> None:
        self._session = None


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
