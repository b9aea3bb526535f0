"""What was timed, raw: whole networks, blocks, operators, nodes, inputs, and the machine's ceilings. Seconds."""

from __future__ import annotations

from statistics import median
from typing import Any

from pydantic import Field

from backbench.records.schema import Frozen


class Process(Frozen):
    """The whole network in one fresh process: seconds of each timed call, and bytes."""

    round: int
    values: tuple[float, ...]
    data: dict[str, Any] = Field(default_factory=dict)  # warmup, first, load, regime, foreign, cpu_share
    memory: dict[str, int] = Field(default_factory=dict)  # baseline, absolute, rise; CUDA's allocated and reserved


class BlockTime(Frozen):
    """Seconds of a module in each instrumented pass: `whole` from entering to leaving, `own` outside of its blocks."""

    path: str
    whole: tuple[float, ...]
    own: tuple[float, ...]
    block: bool  # nothing inside it was timed apart


class Blocks(Frozen):
    """Passes in turns: plain, instrumented, plain again. For each instrumented pass Σ own + outside = its seconds."""

    depth: int
    modules: tuple[BlockTime, ...]
    outside: tuple[float, ...]  # seconds of the call before the network was entered and after it was left
    instrumented: tuple[float, ...]
    before: tuple[tuple[float, ...], ...]  # plain calls of each turn, before hooks were attached…
    after: tuple[tuple[float, ...], ...]  # …and after they were removed
    hooks_left: int

    @property
    def slowdown(self) -> float:
        """Instrumented ÷ plain, medians."""
        return median(self.instrumented) / median(self.plain)

    @property
    def restored(self) -> float:
        """Plain calls after the removal of the hooks ÷ before they were attached: the median over the turns."""
        return median(median(after) / median(before) for before, after in zip(self.before, self.after, strict=True))

    @property
    def plain(self) -> tuple[float, ...]:
        return tuple(value for turn in (*self.before, *self.after) for value in turn)


class OperatorTime(Frozen):
    """`seconds` a pass inside the operator itself (on CUDA: of its kernels)."""

    name: str
    calls: float
    seconds: float


class Operators(Frozen):
    """By torch's profiler; Σ seconds + remainder = a pass's seconds while it looked on."""

    operators: tuple[OperatorTime, ...]
    passes: tuple[float, ...]  # seconds of each pass under the profiler
    allocated_peak: int | None = None  # bytes: the running sum of the allocator's events, at its highest

    @property
    def remainder(self) -> float:
        """Seconds of a pass in no operator: Python and dispatching."""
        return sum(self.passes) / len(self.passes) - sum(operator.seconds for operator in self.operators)


class NodeTime(Frozen):
    """One node of a runtime's own graph, as the runtime timed it: seconds of one call, a mean."""

    name: str
    kind: str  # the operator's type
    precision: str  # what its kernel computes in
    seconds: float
    kernel: str = ""


class Inputs(Frozen):
    """Seconds of calls with random tensors and with photographs, by turn."""

    random: tuple[tuple[float, ...], ...]
    real: tuple[tuple[float, ...], ...]
    images: int


class Ceilings(Frozen):
    """The best of several runs: FLOP/s by precision, bytes/s by access; `kernels` says what reached it."""

    threads: int
    device: str
    compute: dict[str, float]
    bandwidth: dict[str, float]
    kernels: dict[str, str]
    reasons: dict[str, str] = Field(default_factory=dict)  # precisions that this processor has no arithmetic for

    @property
    def bytes_per_second(self) -> float:
        return max(self.bandwidth.values())
