"""Which operators an ONNX file holds, read without the `onnx` package.

A process that measures ONNX Runtime has neither torch nor onnx. Of the protobuf message only three fields matter: ModelProto.graph (7),
GraphProto.node (1), NodeProto.op_type (4); everything else, the weights above all, is stepped over by its length.
Field numbers: onnx.proto3 of the ONNX project; wire format: protobuf's encoding guide. Subgraphs (If, Loop) are not entered.
"""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

GRAPH, NODE, OP_TYPE = 7, 1, 4
LENGTH_DELIMITED = 2
FIXED = {1: 8, 5: 4}  # wire type → bytes

INTEGER = ("QLinear", "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul", "QGemm", "QAttention", "MatMulNBits")
FLOAT = ("Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul")
QUANTIZING = ("QuantizeLinear", "DequantizeLinear")


def operators(path: Path) -> Counter[str]:
    """How often each operator stands in the file's main graph. Raises ValueError where it is no whole ONNX file."""
    if path.stat().st_size == 0:
        raise ValueError("the file is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return Counter(
            data[start:end].decode()
            for graph in messages(data, 0, len(data), GRAPH)
            for node in messages(data, *graph, NODE)
            for start, end in messages(data, *node, OP_TYPE)
        )


def precision(counts: Counter[str]) -> str:
    """`int8` where integer kernels or quantizing nodes stand in the graph, else `fp32`."""
    return "int8" if integer(counts) or any(counts[name] for name in QUANTIZING) else "fp32"


def integer(counts: Counter[str]) -> int:
    """How many operators compute in integers (a float operator between DequantizeLinear and QuantizeLinear does not)."""
    return sum(number for name, number in counts.items() if name.startswith(INTEGER))


def messages(data: mmap.mmap, start: int, end: int, field: int) -> Iterator[tuple[int, int]]:
    """Where each length-delimited `field` of the message between start and end lies."""
    place = start
    while place < end:
        tag, place = varint(data, place, end)
        wire = tag & 7
        if wire == LENGTH_DELIMITED:
            length, place = varint(data, place, end)
            if place + length > end:
                raise ValueError("the file ends inside a message")
            if tag >> 3 == field:
                yield place, place + length
            place += length
        elif wire == 0:
            _, place = varint(data, place, end)
        elif wire in FIXED:
            place += FIXED[wire]
        else:
            raise ValueError(f"wire type {wire} is not of protobuf")


def varint(data: mmap.mmap, place: int, end: int) -> tuple[int, int]:
    """The number at `place`, seven bits a byte, and the place behind it."""
    value = shift = 0
    while place < end and shift < 70:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise ValueError("the file ends inside a number")
