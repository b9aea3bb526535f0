"""ONNX Runtime's own quantizer on the exported graph.

Static: `quant_pre_process`, then QuantizeLinear/DequantizeLinear pairs around the operators (QDQ), which the runtime fuses into integer
kernels. Activations are uint8 and weights int8 (U8S8): on x86 its kernels for S8S8 are as slow as fp32. The library has no bias correction.
Dynamic: the weights of matrix products become int8, activations are quantized when they come, with ranges of their own.
Only matrix products: dynamic convolutions are several times slower than fp32.
`reduce_range` leaves weights 7 of their 8 bits: see `routes.halved`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench import registry
from backbench.errors import Skip
from backbench.registry import require
from backbench.techniques.routes.onnx_file import operators_of, quiet

METHODS = {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}
PRODUCTS = {"MatMul", "Gemm"}
TREES = "backbench.trunk.int8:quantize_file"


class Reader:
    """Calibration batches as onnxruntime reads them: one dict of inputs at a time, then None."""

    def __init__(self, name: str, batches: Iterator[NDArray[np.float32]]) -> None:
        self._name, self._batches = name, batches

    def get_next(self) -> dict[str, Any] | None:
        return next(({self._name: batch} for batch in self._batches), None)


def static(
    source: Path,
    target: Path,
    images: Reader,
    *,
    per_channel: bool,
    method: str,
    reduce_range: bool,
    nodes: list[str] | None = None,
) -> None:
    """Writes the QDQ graph; `nodes` names those that are quantized, all where it is None. Raises MissingDependency."""
    if "If" in operators_of(source):  # the library doesn't look into branches: a tree is quantized node by node
        registry.load(TREES)(source, target, images, per_channel=per_channel, method=method, reduce_range=reduce_range)
        return
    library = require("technique quantize_static", "onnxruntime.quantization", "onnxruntime", load)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, quiet():
        library.quantize_static(
            str(prepared(source, Path(folder))),
            str(target),
            images,
            quant_format=library.QuantFormat.QDQ,
            per_channel=per_channel,
            activation_type=library.QuantType.QUInt8,
            weight_type=library.QuantType.QInt8,
            calibrate_method=getattr(library.CalibrationMethod, METHODS[method]),
            nodes_to_quantize=nodes,
            reduce_range=reduce_range,
        )


def dynamic(source: Path, target: Path, *, per_channel: bool, reduce_range: bool) -> None:
    """Writes the graph with integer matrix products. Raises Skip where it has none, MissingDependency."""
    library = require("technique quantize_dynamic", "onnxruntime.quantization", "onnxruntime", load)
    if not PRODUCTS & operators_of(source):
        raise Skip("technique quantize_dynamic: it quantizes matrix products, and this network has none")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, quiet():
        library.quantize_dynamic(
            str(without_shapes(prepared(source, Path(folder)))),
            str(target),
            op_types_to_quantize=["MatMul"],  # a Gemm becomes MatMul and Add first
            per_channel=per_channel,
            reduce_range=reduce_range,
            weight_type=library.QuantType.QInt8,
        )


def without_shapes(path: Path) -> Path:
    """The same file without the shapes noted in it: a Gemm's weight is transposed on the way, and its note is not."""
    import onnx

    model = onnx.load(path)
    del model.graph.value_info[:]
    onnx.save(model, path)
    return path


def load() -> Any:
    import onnxruntime.quantization

    return onnxruntime.quantization


def prepared(source: Path, folder: Path) -> Path:
    """The graph with shapes inferred and its constants folded, as the quantizer wants it."""
    from onnxruntime.quantization import quant_pre_process

    target = folder / "prepared.onnx"
    quant_pre_process(str(source), str(target), skip_symbolic_shape=True)
    return target
