"""The host's grade: how far a time measured here can be trusted (rule 1). Never refuses, always says why.

    A  fixed frequency, pinned, under 2 % foreign CPU
    B  quiet, but the frequency is free
    C  shared or virtual: only the canary says whether it is steady
    D  anything else, and every `quick` or `screen` run

Each fact is a reason with the best grade that it leaves; the grade is the worst of them.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict

from backbench.measuring.cpu import CpuTimes, foreign_share, read_cpu

Letter = Literal["A", "B", "C", "D"]
WINDOW = 0.3  # seconds in which other processes' share is read
QUIET, BUSY = 0.02, 0.15


class Reason(BaseModel):
    """One fact: what was looked at, its value, and the best grade it leaves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    value: str
    effect: Letter


class Grade(BaseModel):
    """The letter and every reason for it, `A` reasons included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    letter: Letter
    reasons: tuple[Reason, ...]

    def sentences(self) -> list[str]:
        """The reasons that cost a grade, as text."""
        return [
            f"{reason.what}: {reason.value} (at best {reason.effect})"
            for reason in self.reasons
            if reason.effect != "A"
        ]


def grade(coarse: bool = False, root: Path = Path("/"), window: float = WINDOW) -> Grade:
    """This machine's grade now; `window` seconds are waited to see what others take."""
    before = read_cpu()
    time.sleep(window)
    reasons = [*protocol(coarse), *others(before, read_cpu()), *frequency(root), *sharing(root), *power(), *gpus()]
    return Grade(letter=worst(reasons), reasons=tuple(reasons))


def worst(reasons: list[Reason]) -> Letter:
    return max((reason.effect for reason in reasons), default="A")


def reason(what: str, value: str, effect: Letter) -> Reason:
    return Reason(what=what, value=value, effect=effect)


def protocol(coarse: bool) -> Iterator[Reason]:
    if coarse:
        yield reason("protocol", "not standard: too few processes for a final number", "D")


def others(before: CpuTimes, after: CpuTimes) -> Iterator[Reason]:
    """Foreign share and steal while this process did nothing."""
    share = foreign_share(before, after)
    yield reason(
        "other processes", f"{share:.0%} of the processors", "A" if share < QUIET else "C" if share < BUSY else "D"
    )
    stolen = (after.steal - before.steal) / max(1e-9, (after.wall - before.wall) * after.processors)
    if stolen > 0:
        yield reason("steal time", f"{stolen:.1%} went to other machines on this host", "C" if stolen < BUSY else "D")


def frequency(root: Path) -> Iterator[Reason]:
    """Linux: the governor, turbo and SMT. A virtual machine or another system shows none of them."""
    governors = sorted(
        {read(path) for path in root.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")} - {""}
    )
    fixed = governors in (["performance"], ["userspace"])
    yield reason("frequency governor", ", ".join(governors) or "unknown", "A" if fixed else "B")
    turbo = turbo_on(root)
    if turbo is not None:
        yield reason("turbo", "on" if turbo else "off", "B" if turbo else "A")
    if read(root / "sys/devices/system/cpu/smt/active") == "1":
        yield reason("SMT", "on: siblings of a measured core may work for others", "B")


def turbo_on(root: Path) -> bool | None:
    """From intel_pstate (no_turbo) or acpi-cpufreq (boost); None where neither stands."""
    off, boost = (
        read(root / "sys/devices/system/cpu/intel_pstate/no_turbo"),
        read(root / "sys/devices/system/cpu/cpufreq/boost"),
    )
    return off == "0" if off else boost == "1" if boost else None


def sharing(root: Path) -> Iterator[Reason]:
    """Virtualisation, a quota of the control group, and whether a process can be bound to processors."""
    if " hypervisor" in read(root / "proc/cpuinfo") or read(root / "sys/hypervisor/type"):
        yield reason("virtual machine", "the processors may be shared with machines unseen", "C")
    quota = read(root / "sys/fs/cgroup/cpu.max").split()
    if quota and quota[0] != "max":
        yield reason("cgroup quota", f"{int(quota[0]) / int(quota[1]):g} processors", "C")
    if "sched_setaffinity" not in dir(os):
        yield reason("affinity", f"{platform.system()} binds no process to processors", "B")


def power() -> Iterator[Reason]:
    battery = psutil.sensors_battery() if "sensors_battery" in dir(psutil) else None
    if battery is not None and not battery.power_plugged:
        yield reason("battery", f"running on it, {battery.percent:.0f} % left", "D")


def gpus() -> Iterator[Reason]:
    """Each NVIDIA GPU's throttling, free clocks and foreign processes, where NVML can be asked."""
    try:
        import pynvml
    except ImportError:
        return
    try:
        pynvml.nvmlInit()
        for number in range(pynvml.nvmlDeviceGetCount()):
            yield from gpu(pynvml, number)
    except pynvml.NVMLError:
        return


def gpu(pynvml: object, number: int) -> Iterator[Reason]:
    ask = vars(pynvml)
    handle = ask["nvmlDeviceGetHandleByIndex"](number)
    throttled = ask["nvmlDeviceGetCurrentClocksThrottleReasons"](handle) & ~ask["nvmlClocksThrottleReasonGpuIdle"]
    if throttled:
        yield reason(f"GPU {number}", f"its clocks are held back (reasons {throttled:#x})", "B")
    foreign = [
        process.pid for process in ask["nvmlDeviceGetComputeRunningProcesses"](handle) if process.pid != os.getpid()
    ]
    if foreign:
        yield reason(f"GPU {number}", f"{len(foreign)} other processes compute on it", "D")


def read(path: Path) -> str:
    """A small file's text; empty where it can't be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
