"""Energy: joules an image, only where a counter was read (rule 18). Never an estimate from a data sheet.

RAPL counts the whole processor package (`/sys/class/powercap`, microjoules, wrapping round), NVML one GPU
(millijoules): whatever else they do is inside, and idle power too. So the foreign share belongs beside the number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from backbench.errors import Skip
from backbench.measuring.clock import timed
from backbench.measuring.metric import Metric
from backbench.measuring.sampling import call_times
from backbench.records.schema import Sample

if TYPE_CHECKING:
    from backbench.measuring.bench import Bench

POWERCAP = Path("/sys/class/powercap")
MICRO, MILLI = 1e-6, 1e-3


class Energy(Metric):
    """Joules an image at the cell's batch: the counter's rise over repeated calls ÷ images."""

    unit: ClassVar[str] = "J/image"

    def measure(self, bench: Bench) -> list[Sample]:
        counter = counter_for(bench.cell.device)
        feed, plan = bench.feed(bench.cell.batch), bench.plan
        before = counter.read()
        calls, seconds = timed(
            bench.clock, lambda: call_times(feed, bench.clock, 1, plan.energy_seconds, plan.cap_seconds)
        )
        joules = counter.rise(before, counter.read())
        images = len(calls) * bench.cell.batch
        data = {"source": counter.source, "joules": joules, "images": images, "seconds": seconds}
        return [Sample(round=bench.round, values=(joules / images,), data=data)]


@dataclass(frozen=True)
class Counter:
    """Joules of each domain when read; `wraps` holds where each starts again (0: never)."""

    source: str
    read: Callable[[], tuple[float, ...]]
    wraps: tuple[float, ...]

    def rise(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        steps = zip(before, after, self.wraps, strict=True)
        return sum(end - start if end >= start else end - start + wrap for start, end, wrap in steps)


def counter_for(device: str) -> Counter:
    """Raises Skip with the reason where no counter can be read."""
    return nvml(int(device.partition(":")[2] or 0)) if device.startswith("cuda") else rapl(POWERCAP)


def rapl(root: Path) -> Counter:
    """The packages of the running-average-power-limit driver; cores and memory are inside or beside them."""
    zones = [path for path in sorted(root.glob("intel-rapl:*")) if path.name.count(":") == 1]
    packages = [zone for zone in zones if (zone / "name").read_text().startswith("package")]
    if not packages:
        raise Skip(f"energy: no RAPL counter under {root} (virtual machines and most ARM boards have none)")
    try:
        wraps = tuple(int((zone / "max_energy_range_uj").read_text()) * MICRO for zone in packages)
        read_packages(packages)
    except PermissionError:
        raise Skip(f"energy: {packages[0]}/energy_uj may be read by root only: chmod a+r it to measure") from None
    return Counter("RAPL", lambda: read_packages(packages), wraps)


def read_packages(packages: list[Path]) -> tuple[float, ...]:
    return tuple(int((zone / "energy_uj").read_text()) * MICRO for zone in packages)


def nvml(number: int) -> Counter:
    """The GPU's total since the driver was loaded."""
    try:
        import pynvml
    except ImportError:
        raise Skip("energy: reading a GPU's counter needs pip install 'backbench[energy]'") from None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(number)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError as error:
        raise Skip(f"energy: NVML has no counter of GPU {number}: {error}") from None
    return Counter("NVML", lambda: (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) * MILLI,), (0.0,))
