"""Whose processors these were: other processes' share, and what this process used of its thread budget (rules 3 and 8).

Foreign share = (system busy + steal − own) ÷ (wall × processors): `/proc/stat` on Linux, psutil elsewhere. Both count
in hundredths of a second, so a window under a quarter of a second says little.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import threadpoolctl

PROC_STAT = Path("/proc/stat")
HERTZ = os.sysconf("SC_CLK_TCK") if "SC_CLK_TCK" in os.sysconf_names else 100
BUSY = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq, steal; guest time is inside user already
STEAL = 7


@dataclass(frozen=True)
class CpuTimes:
    """Seconds: of the wall, of all processors being busy (steal inside), of steal, and of this process."""

    wall: float
    busy: float
    steal: float
    own: float
    processors: int


Reader = Callable[[], CpuTimes]


def read_cpu() -> CpuTimes:
    busy, steal = system_times()
    return CpuTimes(time.perf_counter(), busy, steal, time.process_time(), os.cpu_count() or 1)


def system_times() -> tuple[float, float]:
    """Busy and stolen seconds of all processors since the machine started."""
    if PROC_STAT.exists():
        return parse_stat(PROC_STAT.read_text())
    times = psutil.cpu_times()
    return sum(times) - times.idle, 0.0


def parse_stat(text: str) -> tuple[float, float]:
    """Busy and stolen seconds of the first line of `/proc/stat`."""
    ticks = [int(number) for number in text.splitlines()[0].split()[1:]]
    return sum(ticks[place] for place in BUSY) / HERTZ, ticks[STEAL] / HERTZ


def foreign_share(before: CpuTimes, after: CpuTimes) -> float:
    """The share of all processors that others took, in 0…1."""
    wall = (after.wall - before.wall) * after.processors
    others = (after.busy - before.busy) - (after.own - before.own)
    return min(1.0, max(0.0, others / wall)) if wall > 0 else 0.0


def own_share(before: CpuTimes, after: CpuTimes, threads: int) -> float:
    """CPU-seconds ÷ wall-seconds ÷ threads: 1 where exactly the budget was used, over it where more was."""
    wall = after.wall - before.wall
    return (after.own - before.own) / wall / threads if wall > 0 else 0.0


def process_age(stat: Path = Path("/proc/self/stat")) -> float:
    """Seconds since this process was started or forked, to a hundredth.

    Not from psutil on Linux: it adds the time of boot, which the system tells in whole seconds.
    """
    if not stat.exists():
        return max(0.0, time.time() - float(psutil.Process().create_time()))
    started = int(stat.read_text().rpartition(")")[2].split()[19]) / HERTZ  # field 22; the name may hold blanks
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)


@contextmanager
def thread_budget(threads: int) -> Iterator[list[int] | None]:
    """OpenMP and BLAS limited, and this process bound to that many processors; gives their numbers, None if unbound.

    The runtime gets the same number by its own option. What was bound is free again afterwards.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    with threadpoolctl.threadpool_limits(threads):
        if affinity is None:
            yield None
            return
        allowed = sorted(affinity(0))
        chosen = apart(allowed, threads)
        os.sched_setaffinity(0, chosen)
        try:
            yield chosen
        finally:
            os.sched_setaffinity(0, allowed)


def apart(allowed: Sequence[int], threads: int, root: Path = Path("/sys/devices/system/cpu")) -> list[int]:
    """`threads` of the allowed processors, siblings of one core only when the cores are used up."""
    cores: dict[str, list[int]] = {}
    for processor in allowed:
        cores.setdefault(core_of(processor, root), []).append(processor)
    turns = max(map(len, cores.values()))
    order = [members[turn] for turn in range(turns) for members in cores.values() if turn < len(members)]
    return sorted(order[:threads])


def core_of(processor: int, root: Path) -> str:
    try:
        return (root / f"cpu{processor}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(processor)
