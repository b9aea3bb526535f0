"""One sample: everything that one fresh process measures of one cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from backbench.artefacts.artefact import Artefact
from backbench.data import load_dataset
from backbench.errors import Skip
from backbench.measuring import REGISTRY
from backbench.measuring.bench import Bench, opened
from backbench.measuring.clock import WALL, Clock
from backbench.measuring.cpu import Reader, process_age, read_cpu, thread_budget
from backbench.measuring.plan import Plan
from backbench.measuring.sampling import Source, as_stored
from backbench.records.schema import Sample, Warn
from backbench.runtimes import REGISTRY as RUNTIMES
from backbench.runtimes.runtime import Session
from backbench.settings import Settings
from backbench.spec.cell import Cell

ORDER = ("latency", "peak_memory", "energy", "throughput")  # then the others: latency first, the largest batches last


class SampleJob(BaseModel):
    """`metrics`: None means all that are measured in a sample. `seed` gives the order of the inputs, with the round."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    artefact: Path
    cell: Cell
    settings: Settings
    plan: Plan
    round: int
    seed: int = 0
    metrics: tuple[str, ...] | None = None


class SampleResult(BaseModel):
    """Samples by metric, and by metric the reason where there are none; `foreign`: others' share of the processors.

    `canary`: seconds of the fixed load before and after, written by the rounds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measurements: dict[str, list[Sample]]
    reasons: dict[str, str] = {}
    executed: dict[str, Any] = {}
    foreign: float = 0.0
    canary: tuple[float, ...] = ()
    warnings: tuple[Warn, ...] = ()


def take_sample(job: SampleJob, clock: Clock = WALL, cpu: Reader = read_cpu) -> SampleResult:
    """Raises what opening or running raises; a metric that can't be read here is a reason."""
    with open_bench(job, clock, cpu) as bench:
        measurements, reasons = measure_all(bench, job.metrics)
        return SampleResult(
            measurements=measurements,
            reasons=reasons,
            executed=bench.session.executed(),
            foreign=bench.foreign,
        )


@contextmanager
def open_bench(job: SampleJob, clock: Clock = WALL, cpu: Reader = read_cpu) -> Iterator[Bench]:
    """The opened session with its inputs, within its thread budget; closed whatever a metric raises."""
    imported = import_runtime(job.cell)
    artefact = Artefact.open(job.artefact)
    source = source_of(job, artefact)
    open_session = opener(job, artefact)
    with thread_budget(job.cell.threads):
        session, opening = opened(source, job.cell, seed_of(job), clock, open_session)
        with session:
            yield Bench(
                artefact=artefact,
                cell=job.cell,
                plan=job.plan,
                round=job.round,
                seed=seed_of(job),
                clock=clock,
                read_cpu=cpu,
                source=source,
                session=session,
                opening=opening,
                open_session=open_session,
                imported=imported,
            )


def measure_all(bench: Bench, names: tuple[str, ...] | None) -> tuple[dict[str, list[Sample]], dict[str, str]]:
    """Every metric of the stage `sample` that is asked for, in the fixed order."""
    measurements: dict[str, list[Sample]] = {}
    reasons: dict[str, str] = {}
    for name in ordered(names):
        try:
            measurements[name] = REGISTRY.get(name)().measure(bench)
        except Skip as reason:
            reasons[name] = str(reason)
    return measurements, reasons


def ordered(names: tuple[str, ...] | None) -> list[str]:
    """The metrics to measure. Raises UnknownName."""
    wanted = set(REGISTRY.names() if names is None else names)
    rest = sorted(wanted - set(ORDER))
    chosen = [name for name in ORDER if name in wanted] + rest
    return [name for name in chosen if REGISTRY.get(name).stage == "sample"]


def opener(job: SampleJob, artefact: Artefact) -> Callable[[], Session]:
    runtime = RUNTIMES.build(job.cell.runtime)
    return lambda: runtime.open(artefact, job.cell.device, job.cell.threads)


def seed_of(job: SampleJob) -> int:
    """Another order of the inputs in each round, the same for every cell of a round."""
    return 1000 * job.seed + job.round


def source_of(job: SampleJob, artefact: Artefact) -> Source:
    """The distinct inputs: the artefact's own, or test images as stored for the boundary that starts there."""
    inputs = artefact.load_inputs()[: job.plan.inputs]
    if job.cell.boundary != "end-to-end":
        return Source(inputs)
    images = as_stored(load_dataset(job.cell.dataset, job.settings).test, job.plan.inputs, seed_of(job))
    return Source(inputs, images, artefact.preprocessing)


def import_runtime(cell: Cell) -> float:
    """Imports what the runtime needs, so that neither loading nor memory holds it; seconds since the process began.

    Interpreter and imports where it was spawned, next to none where it was forked from a process that had them.
    """
    for module in RUNTIMES.build(cell.runtime).preload:
        # What is missing is said by the runtime itself, with what to install.
        with suppress(ImportError):
            import_module(module)
    return process_age()
