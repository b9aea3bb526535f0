"""The whole network in one fresh process, by the protocol: load, first call, peak of memory, warm-up, timed calls.

The same functions time it as time a cell of a study (`measuring.sampling`, `measuring.memory`), so a whole here and a
latency there are the same number. The network is built here for eager; other runtimes open the prepared artefact.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from backbench.artefacts.artefact import Artefact
from backbench.measuring.bench import opened
from backbench.measuring.clock import WALL, Clock
from backbench.measuring.cpu import Reader, foreign_share, own_share, process_age, read_cpu, thread_budget
from backbench.measuring.plan import Plan
from backbench.measuring.sample import SampleResult
from backbench.measuring.sampling import Source, call_times, empty_call
from backbench.profiling.inputs import distinct, random_images
from backbench.profiling.network import build_network, input_of, open_network
from backbench.records.schema import Sample
from backbench.runtimes import REGISTRY as RUNTIMES
from backbench.runtimes.runtime import Session
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.statistics.series import regime


class WholeJob(BaseModel):
    """`artefact`: what the runtime opens; None: eager's network is built in the process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: Cell
    settings: Settings
    plan: Plan
    round: int
    artefact: Path | None = None


def take_whole(job: WholeJob, clock: Clock = WALL, cpu: Reader = read_cpu) -> SampleResult:
    """One sample of latency and of peak memory. Raises what building or running raises."""
    imported = process_age()
    shape = input_of(job.cell)
    source = Source(random_images(shape, distinct(shape), job.round))
    with thread_budget(job.cell.threads):
        session, opening = opened(source, job.cell, job.round, clock, opener(job))
        with session:
            feed = source.feed(session, job.cell.batch, "model", job.round)
            plan = job.plan
            start = cpu()
            warmup = call_times(feed, clock, plan.warmup_calls, plan.warmup_seconds, plan.cap_seconds)
            middle = cpu()
            values = call_times(feed, clock, plan.timed_calls, plan.timed_seconds, plan.cap_seconds, len(warmup))
            end = cpu()
            executed = session.executed()
    data = {
        "warmup": [*opening.settling, *warmup],
        "first": opening.first,
        "load": opening.load,
        "compile": opening.compile,
        "imported": imported,
        "overhead": empty_call(clock),
        "regime": regime(values),
        "cpu_share": own_share(middle, end, job.cell.threads),
        "foreign": foreign_share(start, end),
    }
    latency = Sample(round=job.round, values=tuple(values), data=data)
    measurements = {"latency": [latency], "peak_memory": peak(job.round, opening.memory)}
    return SampleResult(measurements=measurements, executed=executed, foreign=data["foreign"])


def peak(number: int, memory: Any) -> list[Sample]:
    """The rise of the peak and the absolute peak; nothing where the system has no mark that can be set back."""
    if memory.peak is None or memory.baseline is None:
        return []
    data = {"absolute": memory.peak, "baseline": memory.baseline, **memory.device}
    return [Sample(round=number, values=(float(memory.peak - memory.baseline),), data=data)]


def opener(job: WholeJob) -> Callable[[], Session]:
    if job.artefact is None:
        return lambda: open_network(job.cell, build_network(job.cell, job.settings))
    artefact, runtime = Artefact.open(job.artefact), RUNTIMES.build(job.cell.runtime)
    return lambda: runtime.open(artefact, job.cell.device, job.cell.threads)
