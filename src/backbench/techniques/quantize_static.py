"""Static post-training quantization of the exported graph: int8 weights, uint8 activations with ranges from calibration images.

Route `onnxruntime`: `quant_pre_process`, then QuantizeLinear/DequantizeLinear pairs around the operators (QDQ), which the runtime fuses
into integer kernels. Activations are uint8 and weights int8 (U8S8): on x86 the kernels for S8S8 are as slow as fp32.
The calibration images are a seeded subset of *train*, recorded by the hash of their indices.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from backbench.errors import Skip, UsageError
from backbench.techniques.technique import Context, Technique

ROUTES = {"onnxruntime": "onnxruntime"}  # runtime → the library that quantizes for it
METHODS = {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}
BATCH = 16  # calibration images at once


class QuantizeStatic(Technique):
    """`calibration`: images of train; `per_channel`: one scale for each output channel of a weight, else one a tensor."""

    stage: ClassVar[Literal["module", "graph"]] = "graph"

    calibration: Annotated[int, Field(ge=1)] = 256
    per_channel: bool = True
    method: Literal["minmax", "percentile", "entropy"] = "minmax"
    route: Literal["onnxruntime"] | None = None

    def resolve(self, runtime: str) -> QuantizeStatic:
        route = ROUTES.get(runtime)
        if route is None:
            raise UsageError(
                f"technique quantize_static: there is no route for runtime {runtime!r}; routes exist for: {', '.join(ROUTES)}"
            )
        if self.route not in (None, route):
            raise UsageError(f"technique quantize_static: route={self.route} does not serve runtime {runtime!r}")
        return self.model_copy(update={"route": route})

    def apply_file(self, source: Path, target: Path, context: Context) -> None:
        if not len(context.dataset.train):
            raise Skip(
                f"technique quantize_static: it calibrates on train, and {context.dataset.name} has no train part"
            )
        chosen = calibration_indices(len(context.dataset.train), self.calibration, context.seed)
        context.notes.update(
            calibration_n=len(chosen),
            calibration_part="train",
            calibration_sha256=hashlib.sha256(chosen.astype("<i8").tobytes()).hexdigest(),
        )
        context.progress(f"quantize_static: {len(chosen)} calibration images")
        with tempfile.TemporaryDirectory(dir=target.parent) as folder, quiet():
            self._quantize(prepared(source, Path(folder)), target, Images(context, chosen, input_name(source)))

    def _quantize(self, source: Path, target: Path, images: Images) -> None:
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        quantize_static(
            str(source),
            str(target),
            images,
            quant_format=QuantFormat.QDQ,
            per_channel=self.per_channel,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=getattr(CalibrationMethod, METHODS[self.method]),
        )


class Images:
    """The calibration images as onnxruntime reads them: one dict of inputs at a time, then None."""

    def __init__(self, context: Context, chosen: NDArray[np.int64], name: str) -> None:
        self._context, self._chosen, self._name = context, chosen, name
        self._batches = self._read()

    def _read(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        for start in range(0, len(self._chosen), BATCH):
            images = self._context.dataset.train.images.read(self._chosen[start : start + BATCH])
            yield {self._name: self._context.preprocessing(images)}

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


def calibration_indices(n: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """`wanted` places of the train part, drawn without repetition by the seed, in rising order; all where it has fewer."""
    drawn = np.random.default_rng(seed).permutation(n)[:wanted]
    return np.sort(drawn).astype(np.int64)


def prepared(source: Path, folder: Path) -> Path:
    """The graph with shapes inferred and its constants folded, as the quantizer wants it."""
    from onnxruntime.quantization import quant_pre_process

    target = folder / "prepared.onnx"
    quant_pre_process(str(source), str(target), skip_symbolic_shape=True)
    return target


def input_name(path: Path) -> str:
    import onnx

    return str(onnx.load(path, load_external_data=False).graph.input[0].name)


@contextmanager
def quiet() -> Iterator[None]:
    """The quantizer logs advice to the root logger ; nothing of it concerns its caller."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
