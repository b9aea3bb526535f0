"""What is computed from a profile when it is read: summaries, shares, sums. Seconds and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median

from backbench.profiling.counted import Step
from backbench.profiling.document import Profile
from backbench.profiling.timed import Blocks, Inputs
from backbench.statistics.compare import Ratio, paired_ratio
from backbench.statistics.intervals import Summary, latency_summary


def whole(profile: Profile) -> Summary | None:
    """The whole network's latency over its processes."""
    samples = [process.values for process in profile.processes]
    return latency_summary(samples) if samples else None


@dataclass(frozen=True)
class Part:
    """A part of a pass: seconds (mean over the instrumented passes, so that parts add up) and its share."""

    path: str
    kind: str
    seconds: float
    share: float


@dataclass(frozen=True)
class Parts:
    """Blocks in order, what the containers took between them, and what lay outside of the network."""

    blocks: tuple[Part, ...]
    between: tuple[Part, ...]
    outside: float
    total: float

    @property
    def remainder(self) -> float:
        """Seconds that belong to no block."""
        return sum(part.seconds for part in self.between) + self.outside


def parts_of(profile: Profile) -> Parts | None:
    """Means add up: Σ blocks + Σ between + outside = the mean instrumented pass, but for rounding."""
    blocks = profile.blocks
    if blocks is None:
        return None
    kinds = {module.path: module.kind for module in profile.structure.modules} if profile.structure else {}
    total = fmean(blocks.instrumented)
    parts = {
        block.path: Part(block.path, kinds.get(block.path, ""), fmean(block.own), fmean(block.own) / total)
        for block in blocks.modules
    }
    return Parts(
        blocks=tuple(parts[block.path] for block in blocks.modules if block.block),
        between=tuple(parts[block.path] for block in blocks.modules if not block.block),
        outside=fmean(blocks.outside),
        total=total,
    )


@dataclass(frozen=True)
class Amount:
    """A number of bytes and what it is."""

    name: str
    bytes: int
    how: str


def memory(profile: Profile) -> list[Amount]:
    """Every number of bytes that is known of the network, each with how it was had."""
    return [*counted(profile), *predicted(profile), *measured(profile)]


def counted(profile: Profile) -> list[Amount]:
    found = profile.structure
    if found is None:
        return []
    peak = found.peak
    return [
        Amount("weights", found.weight_bytes, "counted"),
        Amount("buffers", found.buffer_bytes, "counted"),
        Amount("input", found.input_bytes, "counted"),
        Amount("peak of live tensors", peak.live, f"counted, input included; at {peak.name} in {place_of(peak)}"),
        Amount("peak activations", peak.live - found.input_bytes, "the same without the input"),
    ]


def predicted(profile: Profile) -> list[Amount]:
    said = profile.prediction
    if said is None:
        return []
    return [
        Amount("predicted process, at least", said.least, "imports + weights + live tensors"),
        Amount("predicted process, at most", said.most, "and the largest operator's tensors once more"),
    ]


def measured(profile: Profile) -> list[Amount]:
    """The allocator's own sum, and the processes' peaks: the largest of all rounds."""
    found = []
    if profile.operators is not None and profile.operators.allocated_peak:
        found.append(
            Amount("allocated in a call", profile.operators.allocated_peak, "torch's allocator, without the input")
        )
    for key, name, how in MEASURED:
        values = [process.memory[key] for process in profile.processes if key in process.memory]
        if values:
            found.append(Amount(name, max(values), how))
    return found


MEASURED = (
    ("rise", "peak of the process over its size before loading", "high-water mark, fresh processes"),
    ("absolute", "peak of the process", "high-water mark, imports included"),
    ("max_memory_allocated", "peak allocated", "torch's counter on CUDA"),
    ("max_memory_reserved", "peak reserved", "torch's counter on CUDA"),
)


def place_of(step: Step) -> str:
    return step.path or "the network itself"


def peak_rise(profile: Profile) -> int | None:
    """The largest rise of the process over the rounds."""
    values = [process.memory["rise"] for process in profile.processes if "rise" in process.memory]
    return max(values) if values else None


def real_over_random(inputs: Inputs) -> Ratio:
    """Photographs ÷ random tensors, paired by turn."""
    medians = [
        {turn: median(values) for turn, values in enumerate(several)} for several in (inputs.random, inputs.real)
    ]
    return paired_ratio(medians[0], medians[1])


def before_after(blocks: Blocks) -> tuple[float, float]:
    """Medians of the plain calls before hooks were attached and after they were removed."""
    flat = [[value for turn in turns for value in turn] for turns in (blocks.before, blocks.after)]
    return median(flat[0]), median(flat[1])
