"""Seconds by operator, as torch's profiler sees them, and its traces for Perfetto and TensorBoard.

An operator's seconds are its own, without those that it calls. A pass's seconds minus their sum is the remainder:
Python, dispatching, and the profiler itself. `allocated_peak` is the running sum of the allocator's events.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.measuring.clock import WALL, Clock, timed
from backbench.measuring.sampling import Feed
from backbench.profiling.module_stack import hooked, modules_to
from backbench.profiling.timed import Operators, OperatorTime

if TYPE_CHECKING:
    from torch import nn

PASSES = 3
MEMORY = "[memory]"  # torch's name for an event of its allocator


def operator_times(feed: Feed, device: str = "cpu", passes: int = PASSES, clock: Clock = WALL) -> Operators:
    """Self time of each operator, mean over the passes."""
    from torch.profiler import profile

    feed.call(feed.arguments[0])
    with profile(activities=activities(device)) as found:
        seconds = [timed(clock, lambda: feed.call(feed.arguments[0]))[1] for _ in range(passes)]
    rows = [operator_row(row, device, passes) for row in found.key_averages()]
    kept = sorted((row for row in rows if row.seconds > 0), key=lambda row: -row.seconds)
    return Operators(operators=tuple(kept), passes=tuple(seconds), allocated_peak=allocated_peak(feed, device))


def activities(device: str) -> list[Any]:
    from torch.profiler import ProfilerActivity

    return [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.startswith("cuda") else [])]


def operator_row(row: Any, device: str, passes: int) -> OperatorTime:
    micros = row.self_device_time_total if device.startswith("cuda") else row.self_cpu_time_total
    return OperatorTime(name=str(row.key), calls=row.count / passes, seconds=float(micros) / 1e6 / passes)


def allocated_peak(feed: Feed, device: str) -> int:
    """Bytes that one call adds at its highest: the running sum of the allocator's events on the device."""
    from torch.profiler import profile

    with profile(activities=activities(device), profile_memory=True) as found:
        feed.call(feed.arguments[0])
    events = [event for event in found.profiler.kineto_results.events() if event.name() == MEMORY]
    held = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        if (event.device_type().name == "CUDA") == device.startswith("cuda"):
            held += event.nbytes()
            highest = max(highest, held)
    return highest


def write_traces(
    model: nn.Module, feed: Feed, depth: int, device: str, perfetto: Path | None, tensorboard: Path | None
) -> None:
    """One call with the blocks' names: a file for Perfetto and Chrome, the same one where TensorBoard looks for it."""
    from torch.profiler import profile

    places = [perfetto, tensorboard / f"backbench.{time.time_ns()}.pt.trace.json" if tensorboard else None]
    wanted = [place for place in places if place is not None]
    if not wanted:
        return
    with profile(activities=activities(device), record_shapes=True) as found, named_blocks(model, depth):
        feed.call(feed.arguments[0])
    for place in wanted:
        place.parent.mkdir(parents=True, exist_ok=True)
    found.export_chrome_trace(str(wanted[0]))  # torch saves a trace once
    for place in wanted[1:]:
        shutil.copyfile(wanted[0], place)


@contextmanager
def named_blocks(model: nn.Module, depth: int) -> Iterator[None]:
    """Each block as a range of its own in the trace."""
    from torch.profiler import record_function

    ranges: list[Any] = []

    def enter(path: str) -> None:
        ranges.append(record_function(path or type(model).__name__))
        ranges[-1].__enter__()

    def leave(path: str, output: Any) -> None:
        ranges.pop().__exit__(None, None, None)

    with hooked(modules_to(model, depth), enter, leave):
        yield
