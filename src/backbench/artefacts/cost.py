"""What a network costs before it is run: parameters of a module or of a file, and MACs by two independent counters.

Parameters are elements as stored. In a file they are its floating-point and 8- or 32-bit integer weights; constants of
shape arithmetic (int64), single numbers, and the scales and zero points of quantization, weigh bytes but are no
parameters.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.onnx_macs import Count, count

if TYPE_CHECKING:
    from torch import nn

BRANCHES = "the graph branches on its input: MACs are those of the dearest path, counted by torch alone"
AGREE = 0.01  # rule 16: counters further apart than this are disputed
WEIGHT_TYPES = ("float32", "float16", "bfloat16", "float64", "int8", "uint8", "int32")
SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)


def module_parameters(model: nn.Module) -> dict[str, int]:
    """stored, nonzero, trainable, subnormal (elements) and weights_bytes (parameters and buffers)."""
    weights = [tensor.detach() for tensor in model.parameters()]
    held = [*weights, *model.buffers()]
    return {
        "stored": sum(tensor.numel() for tensor in weights),
        "nonzero": sum(int((tensor != 0).sum()) for tensor in weights),
        "trainable": sum(tensor.numel() for tensor in model.parameters() if tensor.requires_grad),
        "subnormal": sum(
            int(((tensor != 0) & (tensor.abs() < SMALLEST_NORMAL)).sum())
            for tensor in weights
            if tensor.is_floating_point()
        ),
        "weights_bytes": sum(tensor.numel() * tensor.element_size() for tensor in held),
    }


def file_parameters(path: Path) -> dict[str, int]:
    """The same of an ONNX file, without `trainable`: a file has none."""
    import onnx

    graph = onnx.load(path).graph
    tables = quantization_tables(graph)
    held = [tensor for tensor in graph.initializer if tensor.dims and tensor.name not in tables]
    weights = [array for array in map(onnx.numpy_helper.to_array, held) if str(array.dtype) in WEIGHT_TYPES]
    return {
        "stored": sum(array.size for array in weights),
        "nonzero": sum(int(np.count_nonzero(array)) for array in weights),
        "subnormal": sum(subnormal(array) for array in weights),
        "weights_bytes": sum(array.nbytes for array in weights),
    }


def quantization_tables(graph: Any) -> set[str]:
    """The names of scales and zero points."""
    nodes = (node for node in graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear"))
    return {name for node in nodes for name in node.input[1:]}


def subnormal(array: NDArray[Any]) -> int:
    small = (array != 0) & (np.abs(array.astype(np.float64)) < SMALLEST_NORMAL)
    return int(small.sum()) if array.dtype.kind == "f" else 0


def module_macs(model: nn.Module, shape: tuple[int, int, int]) -> Counter[str]:
    """MACs of one image by aten operator, of a routed network along its dearest path: `FlopCounterMode` counts 2 FLOPs a MAC."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from backbench.models.networks.routed import Routed

    if isinstance(model, Routed):
        return model.dearest_path()
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # its one fused operator is not counted
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            model.eval()(torch.zeros(1, *shape))
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return Counter({str(name): flops // 2 for name, flops in counter.get_flop_counts()["Global"].items()})


def cost(macs: Counter[str], exported: Path | str) -> dict[str, Any]:
    """{counters, uncounted, disputed, reason} from torch's count and the exported graph, or the reason why there is none."""
    total = sum(macs.values())
    if isinstance(exported, str):
        return {"counters": {"torch": total}, "uncounted": [], "disputed": None, "reason": exported}
    graph = count(exported)
    if graph.uncounted["If"]:
        return {
            "counters": {"torch": total},
            "uncounted": sorted(graph.uncounted),
            "disputed": None,
            "reason": BRANCHES,
        }
    return {
        "counters": {"torch": total, "onnx": graph.total},
        "uncounted": sorted(graph.uncounted),
        "disputed": disputed(macs, graph),
        "reason": None,
    }


def disputed(macs: Counter[str], graph: Count) -> dict[str, Any] | None:
    """Both counts by operator where they are over 1 % apart."""
    torch_total, onnx_total = sum(macs.values()), graph.total
    if abs(torch_total - onnx_total) <= AGREE * max(torch_total, onnx_total):
        return None
    return {"torch": dict(macs), "onnx": dict(graph.macs)}
