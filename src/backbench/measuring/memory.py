"""Peak memory: the peak resident set of the measuring process, and its rise over the size before the model was loaded.

The pages of shared libraries are left out of the rise: see `library_bytes`.

Linux: 5 written to `/proc/self/clear_refs` sets the high-water mark VmHWM back to the present size, so imports that
are gone don't count. Elsewhere there is no such mark and no number. CUDA: torch's own counters, where this process
holds torch.
"""

from __future__ import annotations

import re
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
MAPPINGS = Path("/proc/self/smaps")
LIBRARY = re.compile(r"\.so(\.[\d.]+)?$|\.pyd$|/python[\d.]*$")
KIBI = 1024


class PeakMemory(Metric):
    """Bytes that loading and the first calls added to the process at its peak; the absolute peak stands beside it."""

    unit: ClassVar[str] = "byte"

    def measure(self, bench: Bench) -> list[Sample]:
        memory = bench.opening.memory
        if memory.peak is None or memory.baseline is None:
            raise Skip("peak memory: this system has no high-water mark that can be set back (Linux has)")
        data = {"absolute": memory.peak, "baseline": memory.baseline, "libraries": memory.libraries, **memory.device}
        return [Sample(round=bench.round, values=(float(memory.rise),), data=data)]


@dataclass(frozen=True)
class Memory:
    """Bytes resident before loading, the peak since then, what of the rise are the pages of shared libraries, and a
    device's own counters; None where unknown.
    """

    baseline: int | None
    peak: int | None
    device: dict[str, int]
    name: str = "cpu"
    libraries: int = 0  # before `after`: bytes of their pages; then: by how much these rose

    @classmethod
    def before(cls, device: str) -> Memory:
        """Sets the marks back and takes the size."""
        reset_device(device)
        return cls(reset_peak(), None, {}, device, library_bytes())

    def after(self) -> Memory:
        """The same with the peaks since `before`."""
        peak = status("VmHWM") if self.baseline is not None else None
        read_in = max(0, library_bytes() - self.libraries)
        return Memory(self.baseline, peak, device_peaks(self.name), self.name, read_in)

    @property
    def rise(self) -> int:
        """What loading and running added, the libraries' own pages left out; 0 where nothing is known."""
        return max(0, (self.peak or 0) - (self.baseline or 0) - self.libraries)


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


def library_bytes() -> int:
    """Bytes of shared libraries' pages that this process holds; 0 where the system doesn't tell.

    A forked process reads them in anew and counts them as its own, a spawned one has held most since its imports:
    they are no cost of the model, and leaving them out lets both ways measure the same.
    """
    try:
        lines = MAPPINGS.read_text(errors="replace").splitlines()
    except OSError:
        return 0
    held, library = 0, False
    for line in lines:
        if line.startswith("Rss:"):
            held += int(line.split()[1]) * KIBI if library else 0
        elif line[0] in "0123456789abcdef":
            library = LIBRARY.search(line) is not None
    return held


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
