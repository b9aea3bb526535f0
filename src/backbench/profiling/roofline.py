"""Each block under the machine's roofs (Williams et al. 2009): what holds it back, and how far from that it is.

    intensity    FLOPs ÷ bytes that its operators read and write (1 MAC = 2 FLOPs)
    roof         the lesser of the compute ceiling and bandwidth × intensity: FLOP/s that the machine would allow
    memory-bound where the bandwidth is the lesser; compute-bound where the arithmetic is

A block without MACs (activations, pooling) is memory-bound, and its roof is the bandwidth alone. Over 100 % of a
bandwidth roof means that its tensors came from a cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Literal

from backbench.profiling.counted import Structure
from backbench.profiling.timed import Blocks, Ceilings

Bound = Literal["compute", "memory"]
SMALLEST_SHARE = 1e-3  # of a pass; under it a block is smaller than the reading of the clock


@dataclass(frozen=True)
class Placed:
    """One block: FLOPs, bytes and seconds of a pass; `reached` is its share of the roof above it."""

    path: str
    kind: str
    flops: int
    bytes: int
    seconds: float
    bound: Bound
    reached: float

    @property
    def intensity(self) -> float:
        return self.flops / self.bytes if self.bytes else 0.0

    @property
    def rate(self) -> float:
        return self.flops / self.seconds


def placed(structure: Structure, blocks: Blocks, ceilings: Ceilings, precision: str = "fp32") -> list[Placed]:
    """The timed blocks in order; those that nobody called, or that take under a thousandth, are left out."""
    rows = {module.path: module for module in structure.modules}
    total = median(blocks.instrumented)
    found = []
    for block in blocks.modules:
        module, seconds = rows[block.path], median(block.whole)
        if block.block and seconds > SMALLEST_SHARE * total and module.read + module.written:
            counts = (2 * module.macs, module.read + module.written, seconds)
            found.append(place(block.path, module.kind, *counts, ceilings, precision))
    return found


def place(path: str, kind: str, flops: int, moved: int, seconds: float, ceilings: Ceilings, precision: str) -> Placed:
    by_compute = flops / ceilings.compute[precision]
    by_memory = moved / ceilings.bytes_per_second
    bound: Bound = "compute" if by_compute >= by_memory else "memory"
    return Placed(path, kind, flops, moved, seconds, bound, max(by_compute, by_memory) / seconds)


def ridge(ceilings: Ceilings, precision: str = "fp32") -> float:
    """FLOPs a byte from which on arithmetic is the limit."""
    return ceilings.compute[precision] / ceilings.bytes_per_second
