"""16-bit storage: the weights of a file or of a network are stored in 16 bits and widened to fp32 when they are used.

File: each float32 weight becomes a float16 or bfloat16 initializer and a Cast that has its old name; the runtime folds the
Cast when it loads.
Network: each weight is stored in 16 bits behind a parametrization that widens it.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backbench.errors import BackbenchError

if TYPE_CHECKING:
    from torch import nn

LARGEST = {"fp16": 65504.0, "bf16": 3.3895314e38}


def file(source: Path, target: Path, dtype: str) -> int:
    """Writes the graph with 16-bit weights; how many tensors are narrower. Raises BackbenchError for weights out of range."""
    import onnx

    model = onnx.load(source)
    kind = onnx.TensorProto.FLOAT16 if dtype == "fp16" else onnx.TensorProto.BFLOAT16
    scales = {name for node in model.graph.node if "QuantizeLinear" in node.op_type for name in node.input[1:]}
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or not tensor.dims or tensor.name in scales:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        refuse_range(float(np.abs(values).max(initial=0)), tensor.name, dtype)
        name = tensor.name
        tensor.CopyFrom(
            onnx.helper.make_tensor(f"{name}.{dtype}", kind, tensor.dims, narrowed(values, dtype), raw=True)
        )
        casts.append(
            onnx.helper.make_node(
                "Cast", [f"{name}.{dtype}"], [name], name=f"{name}.widened", to=onnx.TensorProto.FLOAT
            )
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, target)
    return len(casts)


def narrowed(values: Any, dtype: str) -> bytes:
    """Little-endian bytes, rounded to nearest even."""
    import ml_dtypes

    kind = np.float16 if dtype == "fp16" else ml_dtypes.bfloat16
    return bytes(np.ascontiguousarray(values).astype(kind).tobytes())


def network(model: nn.Module, dtype: str) -> tuple[nn.Module, int]:
    """A copy whose parameters are stored in 16 bits, and how many tensors those are. Raises BackbenchError."""
    import torch

    from backbench.models.networks.widened import largest, narrow

    refuse_range(largest(model), "a parameter", dtype)
    stored = copy.deepcopy(model)
    return stored, narrow(stored, torch.float16 if dtype == "fp16" else torch.bfloat16)


def refuse_range(most: float, name: str, dtype: str) -> None:
    """Raises BackbenchError where a weight would become infinite."""
    if not most <= LARGEST[dtype]:
        raise BackbenchError(
            f"technique weights_half: {name} holds {most:.3g}, and {dtype} ends at {LARGEST[dtype]:.3g}; dtype=bf16 has fp32's range"
        )
