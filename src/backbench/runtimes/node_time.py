"""The time of one operator inside a runtime, as the runtime itself tells it.

Profiling costs time of its own: these figures say where the time goes, the latency says how much there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class NodeTime:
    """`kind`: the operator's type; `precision`: what its kernel computes in (fp32, bf16, fp16, int8, or the library's
    word); `seconds`: of one call, a mean; `kernel`: which of the runtime's kernels or providers computed it.
    """

    name: str
    kind: str
    precision: str
    seconds: float
    kernel: str = ""


PRECISIONS = {
    "f32": "fp32", "float": "fp32", "float32": "fp32", "tensor(float)": "fp32",
    "f16": "fp16", "float16": "fp16",
    "bf16": "bf16", "bfloat16": "bf16",
    "u8": "int8", "i8": "int8", "int8": "int8", "uint8": "int8",
}  # fmt: skip


def precision_name(text: str) -> str:
    """A library's word for a type of numbers as ours; unknown words stay as they are."""
    return PRECISIONS.get(text.lower(), text.lower())


def integer_share(times: Iterable[NodeTime]) -> float:
    """The share of the time that was spent in kernels that compute in 8-bit integers; 0 where no time was."""
    known = list(times)
    total = sum(time.seconds for time in known)
    return sum(time.seconds for time in known if time.precision == "int8") / total if total > 0 else 0.0
