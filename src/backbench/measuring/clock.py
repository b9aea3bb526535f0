"""Time. `perf_counter_ns` around calls that return when the result is there; on CUDA the device's events beside it.

A clock is a function that returns nanoseconds: the tests' clock moves only when a fake session says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

Clock = Callable[[], int]
WALL: Clock = perf_counter_ns


def seconds_between(start: int, end: int) -> float:
    """Nanoseconds as seconds; the division rounds once, so that the text in a record stays short."""
    return (end - start) / 1e9


def timed(clock: Clock, call: Callable[[], Any]) -> tuple[Any, float]:
    """What the call returned, and its seconds."""
    start = clock()
    result = call()
    return result, seconds_between(start, clock())


def event_seconds(device: str, call: Callable[[], Any]) -> float | None:
    """The call's seconds by the device's own events; None on a processor, or where this process holds no torch."""
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return None
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    call()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1e3
