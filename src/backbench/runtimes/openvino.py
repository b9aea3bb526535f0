"""OpenVINO on the processor: reads the ONNX file (or its own IR) directly. Never imports torch.

Its default precision on a processor with bf16 instructions is bf16, without a word; so the hint is always set here, and
what was executed is read from the compiled model, operator by operator. It is compiled for one shape of batch, as its
own tools do: a free batch size is slower.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.operators import operators, precision
from backbench.errors import BackbenchError, Skip, WeightsError
from backbench.registry import require
from backbench.runtimes.node_time import NodeTime, precision_name
from backbench.runtimes.runtime import Runtime, Session

if TYPE_CHECKING:
    import openvino

FILES = {"onnx": "model.onnx", "openvino": "model.xml"}  # by the artefact's format
SPELLINGS = {"f32": "fp32", "f16": "fp16"}
HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16", "int8": "f32", "int8_bf16": "bf16", "auto": "f32"}
INTEGER = ("int8", "int8_bf16")
# Layers that multiply and add: their precision is the network's. Named as the compiled model names them.
COMPUTING = ("Convolution", "GroupConvolution", "Deconvolution", "FullyConnected", "MatMul", "RNNSeq", "LSTMSequence",
             "ScaledDotProductAttentionWithKVCache", "ScaledDotProductAttention", "MHA")  # fmt: skip
REFERENCE = "ref"  # kernels without vector instructions are named so
WARM = 3  # calls before operators are timed


class OpenVino(Runtime):
    """OpenVINO on the processor, from the ONNX file or its own IR.

    `precision` of what isn't quantized, always told to OpenVINO (`int8` asks for a quantized graph and fp32 for the rest,
    `int8_bf16` bf16 for the rest); `streams`: null leaves them to the hint. One call at a time: more streams serve parallel calls.
    """

    format: ClassVar[str] = "onnx"
    also: ClassVar[tuple[str, ...]] = ("openvino",)
    family: ClassVar[str] = "openvino"
    preload: ClassVar[tuple[str, ...]] = ("openvino",)
    needs: ClassVar[tuple[tuple[str, str], ...]] = (("openvino", "openvino"),)

    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16", "int8", "int8_bf16"],
        BeforeValidator(lambda text: SPELLINGS.get(text, text) if isinstance(text, str) else text),
    ] = "auto"
    hint: Literal["latency", "throughput"] = "latency"
    streams: Annotated[int, Field(ge=1)] | None = None

    def open(self, artefact: Artefact, device: str, threads: int) -> OpenVinoSession:
        require(self.label(), "openvino", "openvino")
        if device != "cpu":
            raise Skip(f"{self.label()}: it computes on the processor here, not on {device}")
        path = artefact.folder / FILES[artefact.format]
        self._check_precision(artefact, path)
        return OpenVinoSession(self, path, threads)

    def gate(self, artefact: Artefact) -> str:
        row = super().gate(artefact)
        return "bf16" if row == "fp32" and self.precision in ("bf16", "fp16") else row

    def _check_precision(self, artefact: Artefact, path: Path) -> None:
        """An integer precision is a property of the graph."""
        if self.precision not in INTEGER or artefact.format != "onnx":
            return
        try:
            found = precision(operators(path))
        except (OSError, ValueError) as error:
            raise WeightsError(f"{path}: this is no whole ONNX file: {error}") from None
        if found != "int8":
            raise Skip(f"{self.label()}: precision={self.precision} is asked for, and the graph holds {found}")

    def properties(self, threads: int, *, profiled: bool = False) -> dict[str, Any]:
        """What the model is compiled with."""
        found: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": HINTS[self.precision],
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": self.hint.upper(),
            "PERF_COUNT": profiled,
        }
        return found | ({"NUM_STREAMS": self.streams} if self.streams is not None else {})

    def node_times(
        self, artefact: Artefact, device: str, threads: int, batch: NDArray[np.float32], calls: int
    ) -> list[NodeTime]:
        with self.open(artefact, device, threads) as session:
            return session.node_times(batch, calls)


class OpenVinoSession(Session):
    """The model that was read, and the one that is compiled for the last shape that was asked for."""

    def __init__(self, runtime: OpenVino, path: Path, threads: int) -> None:
        import openvino

        self._runtime, self._path, self._threads = runtime, path, threads
        self._core = openvino.Core()
        self._model: openvino.Model | None = read(self._core, path)
        self._shape: tuple[int, ...] = ()
        self._compiled: openvino.CompiledModel | None = None
        self._request: openvino.InferRequest | None = None

    def compile(self, shape: tuple[int, ...]) -> None:
        if shape == self._shape:
            return
        self._compiled = self._compile(shape, self._runtime.properties(self._threads))
        self._request, self._shape = self._compiled.create_infer_request(), shape

    def _compile(self, shape: tuple[int, ...], properties: dict[str, Any]) -> openvino.CompiledModel:
        if self._model is None:
            raise BackbenchError("runtime openvino: the session is closed")
        taken = self._model.inputs[0].partial_shape
        if not taken.compatible(openvino_shape(shape)):
            raise WeightsError(f"{self._path}: the graph takes {sides(taken)}, not {'x'.join(map(str, shape))}")
        model = self._model.clone()
        try:
            model.reshape(list(shape))
            return self._core.compile_model(model, "CPU", properties)
        except RuntimeError as error:
            raise WeightsError(f"{self._path}: openvino can't compile the graph: {first_line(error)}") from None

    def upload(self, batch: NDArray[np.float32]) -> Any:
        """The tensor and the request that takes it: a later shape has another request."""
        import openvino

        self.compile(batch.shape)
        return self._request, openvino.Tensor(np.array(batch, np.float32, order="C"), shared_memory=True)

    def run(self, batch: Any) -> Any:
        if self._model is None:
            raise BackbenchError("runtime openvino: the session is closed")
        request, tensor = batch
        request.set_input_tensor(tensor)
        request.infer(share_outputs=True)  # without a copy: `download` makes one
        return request.get_output_tensor()

    def download(self, logits: Any) -> NDArray[np.float32]:
        """A copy: the request's own tensor is written again by its next call."""
        return np.array(logits.data, dtype=np.float32)

    def executed(self) -> dict[str, Any]:
        """Read from the compiled model: the precision of each computing layer, and what is left to slow kernels."""
        assert self._compiled is not None, "nothing was compiled"
        layers = [layer_of(node) for node in self._compiled.get_runtime_model().get_ops()]
        computing = Counter(kind for kind in layers if kind[0] in COMPUTING)
        counts = Counter[str]()
        for (_, found, _), count in computing.items():
            counts[found] += count
        usual = "int8" if counts["int8"] else max(counts, key=counts.__getitem__, default="fp32")
        wanted = precision_name(HINTS[self._runtime.precision])
        return {
            "precision": usual,
            "precision_hint": precision_name(self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()),
            "precisions": {f"{kind} {found}": count for (kind, found, _), count in sorted(by_kind(computing).items())},
            "integer_operators": counts["int8"],
            "float_operators": counts.total() - counts["int8"],
            "threads": int(self._compiled.get_property("INFERENCE_NUM_THREADS")),
            "streams": int(self._compiled.get_property("NUM_STREAMS")),
            "hint": str(self._compiled.get_property("PERFORMANCE_HINT")),
            "devices": list(self._compiled.get_property("EXECUTION_DEVICES")),
            "fallbacks": fallbacks(layers, "int8" if usual == "int8" else wanted),
        }

    def node_times(self, batch: NDArray[np.float32], calls: int) -> list[NodeTime]:
        """Means over the calls of a model that is compiled with OpenVINO's counters on."""
        import openvino

        compiled = self._compile(batch.shape, self._runtime.properties(self._threads, profiled=True))
        request = compiled.create_infer_request()
        request.set_input_tensor(openvino.Tensor(np.array(batch, np.float32, order="C"), shared_memory=True))
        for _ in range(WARM):
            request.infer()
        spent: dict[tuple[str, str, str], float] = {}
        for _ in range(calls):
            request.infer()
            for node in request.get_profiling_info():
                key = (node.node_name, node.node_type, node.exec_type)
                spent[key] = spent.get(key, 0.0) + node.real_time.total_seconds()
        return [
            NodeTime(name, kind, precision_name(kernel.rpartition("_")[2]), seconds / calls, kernel)
            for (name, kind, kernel), seconds in spent.items()
            if seconds > 0
        ]

    def close(self) -> None:
        self._request = self._compiled = self._model = None


Layer = tuple[str, str, str]  # kind, precision, kernel


def layer_of(node: Any) -> Layer:
    """Of a node of the compiled model. An int8 layer is named u8 or i8 by its input."""
    told = node.get_rt_info()
    kind, found, kernel = (str(told[name].astype(str)) for name in ("layerType", "runtimePrecision", "primitiveType"))
    return kind, precision_name(found), kernel


def by_kind(layers: Counter[Layer]) -> Counter[Layer]:
    """Kernels of one kind and precision together."""
    found: Counter[Layer] = Counter()
    for (kind, computed_in, _), count in layers.items():
        found[kind, computed_in, ""] += count
    return found


def fallbacks(layers: list[Layer], wanted: str) -> dict[str, int]:
    """Computing layers in another precision than the one that was asked for, and layers in kernels without vectors."""
    other = [f"{kind} {found}" for kind, found, _ in layers if kind in COMPUTING and found != wanted]
    slow = [f"{kind} {kernel}" for kind, _, kernel in layers if kernel.startswith(REFERENCE)]
    return dict(sorted(Counter([*other, *slow]).items()))


def read(core: openvino.Core, path: Path) -> openvino.Model:
    """Raises WeightsError where it is no whole file, holds an operator that is not OpenVINO's, or takes several inputs."""
    try:
        model = core.read_model(str(path))
    except RuntimeError as error:
        raise WeightsError(f"{path}: openvino can't read the graph: {first_line(error)}") from None
    if len(model.inputs) != 1:
        names = ", ".join(taken.any_name for taken in model.inputs)
        raise WeightsError(f"{path}: the graph takes {len(model.inputs)} inputs ({names}); one image batch is given")
    return model


def openvino_shape(shape: tuple[int, ...]) -> Any:
    import openvino

    return openvino.PartialShape(list(shape))


def sides(shape: Any) -> str:
    """`Nx3x224x224`"""
    return "x".join("N" if side.is_dynamic else str(side.get_length()) for side in shape)


def first_line(error: Exception) -> str:
    """OpenVINO begins with places in its own source; the reason stands in the lines below."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("Exception from src", "Check '"))] or lines
    return " ".join(said)[:400] or "no reason given"
