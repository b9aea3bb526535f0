"""Whether two processors are two: the canary's load on each of them at once, against the load on one alone.

    python benchmarks/processors_together.py [--trials 20]

Each load is one thread, pinned to a processor of its own; a time is the best of seven, as the canary's. Where the pair
takes twice as long as one alone, both stood on one core, or something else took half of each. Linux only.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import threadpoolctl

from backbench.measuring.canary import REPEATS, SIDE, STREAM, timed_load


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    trials = parser.parse_args().trials
    processors = sorted(os.sched_getaffinity(0))[:2]
    if len(processors) < 2:
        raise SystemExit("this needs two processors")
    with threadpoolctl.threadpool_limits(1):
        for number in range(trials):
            alone, together = loads(processors[:1]), loads(processors)
            print(f"{number + 1}: alone {milliseconds(alone)}, together {milliseconds(together)}", flush=True)


def loads(processors: list[int]) -> list[float]:
    """Seconds of a load on each processor, all at once."""
    ready = Barrier(len(processors))
    with ThreadPoolExecutor(len(processors)) as pool:
        return list(pool.map(lambda processor: pinned(processor, ready), processors))


def pinned(processor: int, ready: Barrier) -> float:
    os.sched_setaffinity(0, {processor})  # of this thread
    matrix = np.random.RandomState(0).standard_normal((SIDE, SIDE)).astype(np.float32) / np.float32(SIDE**0.5)
    stream = np.ones(STREAM)
    timed_load(matrix, stream)
    ready.wait()
    return min(timed_load(matrix, stream) for _ in range(REPEATS))


def milliseconds(seconds: list[float]) -> str:
    return " and ".join(f"{value * 1e3:.1f} ms" for value in seconds)


if __name__ == "__main__":
    main()
