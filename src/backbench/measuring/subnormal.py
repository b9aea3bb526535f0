"""Subnormal numbers: below 1.2e-38 a processor may take a slow path; a network gets slow by its weights (rule 5).

Where the artefact holds such weights, the same calls are timed with flush-to-zero off and on, in turns. The flag
belongs to a thread and is inherited by the threads that it starts; so a session for it is opened in a thread that has
it set. x86-64 and ARM64 with glibc; elsewhere there is no number.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING

from backbench.measuring.sampling import call_times

if TYPE_CHECKING:
    from backbench.measuring.bench import Bench

CALLS, TURNS = 5, 3
# glibc's fenv_t as words of 32 bits: which word holds the mode, and its bits (x86: FTZ 15 and DAZ 6 of MXCSR; ARM: FZ).
MODES = {"x86_64": (7, 1 << 15 | 1 << 6), "aarch64": (0, 1 << 24)}


def flushed(bench: Bench) -> dict[str, float] | None:
    """Median seconds of a call with the flag "off" and "on"; None where this platform is not covered."""
    if not can_flush():
        return None
    plain = bench.feed(bench.cell.batch)
    with ThreadPoolExecutor(1, initializer=flush_to_zero) as pool:
        session = pool.submit(bench.open_session).result()
        feed = pool.submit(bench.source.feed, session, bench.cell.batch, bench.cell.boundary, bench.seed).result()
        off: list[float] = []
        on: list[float] = []
        for turn in range(TURNS + 1):
            without = call_times(plain, bench.clock, CALLS, 0.0, bench.plan.cap_seconds)
            within = pool.submit(call_times, feed, bench.clock, CALLS, 0.0, bench.plan.cap_seconds).result()
            # The first turn warms the new session up.
            off, on = (off + without, on + within) if turn else (off, on)
        pool.submit(session.close).result()
    return {"off": median(off), "on": median(on)}


def can_flush() -> bool:
    return sys.platform == "linux" and platform.machine() in MODES and platform.libc_ver()[0] == "glibc"


def flush_to_zero() -> None:
    """Sets the flag for this thread, and so for the threads that it will start."""
    libm = ctypes.CDLL("libm.so.6")
    word, bits = MODES[platform.machine()]
    state = (ctypes.c_uint32 * 16)()
    libm.fegetenv(state)
    state[word] |= bits
    libm.fesetenv(state)
