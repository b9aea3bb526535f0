"""Peak memory: the peak resident set of the measuring process, and its rise over the size before the model was loaded.

Linux: 5 written to `/proc/self/clear_refs` sets the high-water mark VmHWM back to the present size, so imports that
are gone don't count. Elsewhere there is no such mark and no number. CUDA: torch's own counters, where this process
holds torch.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from backbench.errors import Skip
from backbench.measuring.metric import Metric
from backbench.records.schema import Sample

if TYPE_CHECKING:
    from backbench.measuring.bench import Bench

CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")
KIBI = 1024


class PeakMemory(Metric):
    """Bytes that loading and the first calls added to the process at its peak; the absolute peak stands beside it."""

    unit: ClassVar[str] = "byte"

    def measure(self, bench: Bench) -> list[Sample]:
        memory = bench.opening.memory
        if memory.peak is None or memory.baseline is None:
            raise Skip("peak memory: this system has no high-water mark that can be set back (Linux has)")
        data = {"absolute": memory.peak, "baseline": memory.baseline, **memory.device}
        return [Sample(round=bench.round, values=(float(memory.peak - memory.baseline),), data=data)]


@dataclass(frozen=True)
class Memory:
    """Bytes resident before loading, the peak since then, and a device's own counters; None where unknown."""

    baseline: int | None
    peak: int | None
    device: dict[str, int]
    name: str = "cpu"

    @classmethod
    def before(cls, device: str) -> Memory:
        """Sets the marks back and takes the size."""
        reset_device(device)
        return cls(reset_peak(), None, {}, device)

    def after(self) -> Memory:
        """The same with the peaks since `before`."""
        peak = status("VmHWM") if self.baseline is not None else None
        return Memory(self.baseline, peak, device_peaks(self.name), self.name)


def reset_peak() -> int | None:
    """Sets the high-water mark back; the resident bytes now, or None where that is impossible."""
    try:
        CLEAR.write_text("5")
        return status("VmRSS")
    except OSError:
        return None


def status(field: str) -> int:
    """Bytes of a field of `/proc/self/status`, which counts in KiB."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * KIBI


def reset_device(device: str) -> None:
    torch = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def device_peaks(device: str) -> dict[str, int]:
    """torch's peaks of allocated and reserved bytes on CUDA; empty on a processor."""
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return {}
    return {
        "max_memory_allocated": int(torch.cuda.max_memory_allocated(device)),
        "max_memory_reserved": int(torch.cuda.max_memory_reserved(device)),
    }
