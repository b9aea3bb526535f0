"""What this machine can do at most, measured: FLOP/s by precision, bytes per second. The roofs of the roofline.

Compute: square matrix products, the best of several sizes and runs (2 n³ FLOPs each). Memory: copying (bytes read and
written) and summing (bytes read) an array of several times the last-level cache. A ceiling is what the best kernel
here reached, so a block can come near it and not pass it, but for bytes that never leave a cache.

int8 products by torch or by ONNX Runtime, whichever is faster; bf16 only where the processor multiplies it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from backbench.measuring.clock import WALL, Clock, timed
from backbench.measuring.cpu import thread_budget
from backbench.profiling.timed import Ceilings
from backbench.records.environment import cpu_flags

SIDES = (512, 1024, 2048)
SECONDS = 0.4  # for each size and kernel, at least three runs and at most…
MOST_RUNS = 70
SLOW = 2.0  # seconds of one run
ARRAY_BYTES = 256_000_000
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
INT8_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}

Product = Callable[[int, str], Callable[[], Any]]  # side and device → one multiplication of two such matrices


def ceilings(threads: int, device: str = "cpu", sides: tuple[int, ...] = SIDES, size: int = ARRAY_BYTES) -> Ceilings:
    """Measures them in this process; `size` bytes an array, `sides` of the matrices."""
    import torch

    torch.set_num_threads(threads)
    compute: dict[str, float] = {}
    kernels: dict[str, str] = {}
    reasons: dict[str, str] = {}
    with thread_budget(threads):
        for precision, products in PRODUCTS.items():
            lacking = lacks(precision, device)
            if lacking:
                reasons[precision] = lacking
                continue
            try:
                compute[precision], kernels[precision] = fastest(products, device, sides)
            except NoKernel as error:
                reasons[precision] = str(error)
        bandwidth = {name: move(torch, device, size) for name, move in MOVES.items()}
    return Ceilings(
        threads=threads, device=device, compute=compute, bandwidth=bandwidth, kernels=kernels, reasons=reasons
    )


def lacks(precision: str, device: str) -> str | None:
    """Why there is no such ceiling here."""
    wanted = {"bf16": BF16_FLAGS, "int8": INT8_FLAGS}.get(precision)
    if wanted is None or device.startswith("cuda") or wanted & cpu_flags():
        return None
    return f"this processor has no arithmetic for {precision}"


class NoKernel(Exception):
    """None of the kernels for a precision works here; the message says of each why."""


def fastest(products: dict[str, Product], device: str, sides: tuple[int, ...]) -> tuple[float, str]:
    """FLOP/s of the fastest kernel at its fastest size, and its name. Raises NoKernel where none works here."""
    reached: list[tuple[float, str]] = []
    faults: list[str] = []
    for name, make in products.items():
        try:
            reached.append((max(2 * side**3 / best_seconds(make(side, device)) for side in sides), name))
        except (RuntimeError, NotImplementedError, ImportError) as error:
            faults.append(f"{name}: {(str(error).splitlines() or [type(error).__name__])[0]}")
    if not reached:
        raise NoKernel("no kernel works here: " + "; ".join(faults))
    return max(reached)


def best_seconds(call: Callable[[], Any], clock: Clock = WALL) -> float:
    """The shortest run: whatever disturbs only adds. A kernel that takes seconds is no ceiling, and is run once."""
    first = timed(clock, call)[1]
    if first > SLOW:
        return first
    one = timed(clock, call)[1]
    more = min(MOST_RUNS, max(3, math.ceil(SECONDS / max(one, 1e-6))))
    return min(one, *(timed(clock, call)[1] for _ in range(more)))


def torch_product(kind: str) -> Callable[[int, str], Callable[[], Any]]:
    def make(side: int, device: str) -> Callable[[], Any]:
        import torch

        left, right = (torch.rand(side, side, device=device).to(getattr(torch, kind)) for _ in range(2))
        out = torch.empty_like(left)
        return synchronised(lambda: torch.mm(left, right, out=out), device)

    return make


def torch_int8(side: int, device: str) -> Callable[[], Any]:
    import torch

    left, right = (torch.randint(-8, 8, (side, side), dtype=torch.int8, device=device) for _ in range(2))
    return synchronised(lambda: torch._int_mm(left, right), device)


def onnxruntime_int8(side: int, device: str) -> Callable[[], Any]:
    """MatMulInteger of uint8 by int8 with constant weights, as a quantized layer has them."""
    import onnx
    import onnxruntime
    import torch

    weights = np.random.RandomState(0).randint(-8, 8, (side, side)).astype(np.int8)
    node = onnx.helper.make_node("MatMulInteger", ["left", "right"], ["product"])
    graph = onnx.helper.make_graph(
        [node],
        "product",
        [onnx.helper.make_tensor_value_info("left", onnx.TensorProto.UINT8, [side, side])],
        [onnx.helper.make_tensor_value_info("product", onnx.TensorProto.INT32, [side, side])],
        [onnx.numpy_helper.from_array(weights, "right")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    left = np.random.RandomState(1).randint(0, 16, (side, side)).astype(np.uint8)
    return lambda: session.run(None, {"left": left})


def synchronised(call: Callable[[], Any], device: str) -> Callable[[], Any]:
    if not device.startswith("cuda"):
        return call

    def waited() -> None:
        import torch

        call()
        torch.cuda.synchronize(device)

    return waited


PRODUCTS: dict[str, dict[str, Product]] = {
    "fp32": {"torch.mm": torch_product("float32")},
    "bf16": {"torch.mm": torch_product("bfloat16")},
    "int8": {"torch._int_mm": torch_int8, "ONNX Runtime MatMulInteger": onnxruntime_int8},
}


def copying(torch: Any, device: str, size: int) -> float:
    source, target = (torch.ones(size // 4, device=device) for _ in range(2))
    return 2 * size / best_seconds(synchronised(lambda: target.copy_(source), device))


def summing(torch: Any, device: str, size: int) -> float:
    source = torch.ones(size // 4, device=device)
    return size / best_seconds(synchronised(lambda: source.sum(), device))


MOVES: dict[str, Callable[[Any, str, int], float]] = {"copy": copying, "read": summing}
