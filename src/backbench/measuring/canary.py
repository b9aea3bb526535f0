"""The canary: a fixed load that has nothing to do with any cell. When it gets slower, the machine did (rule 3).

NumPy alone: matrix products (the processor) and a pass over 32 MB (the memory), about 50 ms on a current core. Its
time is compared with its own time in other rounds only, so that neither the machine nor NumPy's library matters.
"""

from __future__ import annotations

import time

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

SIDE, PRODUCTS = 384, 20
STREAM = 4_000_000  # float64: more than most last-level caches hold
REPEATS = 7


def canary(threads: int) -> float:
    """Seconds of the load: the best of seven, since whatever disturbs it only ever adds."""
    with threadpoolctl.threadpool_limits(threads):
        random = np.random.RandomState(0)
        matrix = random.standard_normal((SIDE, SIDE)).astype(np.float32) / np.float32(SIDE**0.5)
        stream = np.ones(STREAM)
        load(matrix, stream)
        return min(timed_load(matrix, stream) for _ in range(REPEATS))


def timed_load(matrix: NDArray[np.float32], stream: NDArray[np.float64]) -> float:
    start = time.perf_counter_ns()
    load(matrix, stream)
    return (time.perf_counter_ns() - start) / 1e9


def load(matrix: NDArray[np.float32], stream: NDArray[np.float64]) -> float:
    product = matrix
    for _ in range(PRODUCTS):
        product = product @ matrix
        np.tanh(product, out=product)  # keeps the numbers near 1: subnormals would change the speed
    for _ in range(3):
        np.multiply(stream, 1.0, out=stream)
    return float(product[0, 0] + stream[-1])
