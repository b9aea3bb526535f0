"""Throughput: the batch goes up by doubling until images per second stop rising. One sample a process and batch.

The whole sweep is kept: which batch is best is a function of the record (`statistics.intervals.throughput_summary`).
A file that was exported for one batch is called with that batch only.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, ClassVar

from backbench.errors import Skip
from backbench.measuring.metric import Metric
from backbench.measuring.sampling import call_times
from backbench.records.schema import Sample

if TYPE_CHECKING:
    from backbench.measuring.bench import Bench

WARM, CALLS = 2, 5


class Throughput(Metric):
    """Seconds of each call at each batch; images per second are batch ÷ median."""

    unit: ClassVar[str] = "s"

    def measure(self, bench: Bench) -> list[Sample]:
        if bench.plan.sweep_cap == 0:
            raise Skip(f"throughput: the protocol {bench.plan.name!r} has no batch sweep")
        if bench.round >= bench.plan.sweep_rounds:
            raise Skip(f"throughput: the sweep is run in the first {bench.plan.sweep_rounds} rounds")
        samples: list[Sample] = []
        best = 0.0
        cap = min(bench.plan.sweep_cap, bench.session.largest or bench.plan.sweep_cap)
        for batch in batches(bench.artefact.input[0], cap):
            values = at_batch(bench, batch)
            samples.append(Sample(round=bench.round, values=tuple(values), data={"batch": batch}))
            rate = batch / max(median(values), 1e-12)
            if rate < best * (1 + bench.plan.sweep_rise):
                break
            best = rate
        return samples


def batches(fixed: int, cap: int) -> Iterator[int]:
    """1, 2, 4, … up to the cap, or the only batch that the file takes."""
    if fixed:
        yield fixed
        return
    batch = 1
    while batch <= cap:
        yield batch
        batch *= 2


def at_batch(bench: Bench, batch: int) -> list[float]:
    feed, plan = bench.feed(batch), bench.plan
    call_times(feed, bench.clock, WARM, 0.0, plan.cap_seconds)
    return call_times(feed, bench.clock, CALLS, plan.sweep_seconds, plan.cap_seconds, WARM)
