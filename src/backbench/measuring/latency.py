"""Latency: seconds of one batch within the cell's boundary, every call kept, warm-up calls too (rules 5, 7, 8, 9).

The window from the first warm-up call to the last timed one is also where other processes' share is read. After it
come the checks: the same input over and over (a cache would show), flush-to-zero where weights are subnormal.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

from backbench.measuring.clock import event_seconds
from backbench.measuring.cpu import foreign_share, own_share
from backbench.measuring.metric import Metric
from backbench.measuring.sampling import Feed, call_times, empty_call
from backbench.measuring.subnormal import flushed
from backbench.records.schema import Sample
from backbench.statistics.series import regime

if TYPE_CHECKING:
    from backbench.measuring.bench import Bench

EVENTS = 30  # calls that are timed by the device's own events too


class Latency(Metric):
    """Seconds of each timed call, in order."""

    unit: ClassVar[str] = "s"

    def measure(self, bench: Bench) -> list[Sample]:
        feed, plan = bench.feed(bench.cell.batch), bench.plan
        start = bench.read_cpu()
        warmup = call_times(feed, bench.clock, plan.warmup_calls, plan.warmup_seconds, plan.cap_seconds)
        middle = bench.read_cpu()
        values = call_times(feed, bench.clock, plan.timed_calls, plan.timed_seconds, plan.cap_seconds, len(warmup))
        end = bench.read_cpu()
        bench.foreign = foreign_share(start, end)
        data = {
            "warmup": [*bench.opening.settling, *warmup],
            "first": bench.opening.first,
            "load": bench.opening.load,
            "compile": bench.opening.compile,
            "imported": bench.imported,
            "overhead": empty_call(bench.clock),
            "regime": regime(values),
            "cpu_share": own_share(middle, end, bench.cell.threads),
            "foreign": bench.foreign,
            **checks(bench, feed),
        }
        return [Sample(round=bench.round, values=tuple(values), data=data)]


def checks(bench: Bench, feed: Feed) -> dict[str, Any]:
    """What else is timed, after the numbers that count."""
    found: dict[str, Any] = {"repeated": same_input(bench, feed), "distinct": len(feed.arguments)}
    if bench.artefact.parameters.get("subnormal"):
        found["flushed"] = flushed(bench)
    events = [event_seconds(bench.cell.device, lambda: feed.call(feed.arguments[0])) for _ in range(EVENTS)]
    known = [seconds for seconds in events if seconds is not None]
    return {**found, "events": median(known)} if known else found


def same_input(bench: Bench, feed: Feed) -> list[float]:
    """Seconds of calls with one and the same batch."""
    alone = Feed(feed.call, feed.arguments[:1])
    calls = bench.plan.repeated_calls
    return call_times(alone, bench.clock, calls, 0.0, bench.plan.cap_seconds) if calls else []
