"""START HERE: one study from its cells to its records.

    expand → prepare (once per artefact) → check (gate, accuracy) beside the next → rounds of samples → records

Each step runs in processes of its own and leaves its result on disk: a run that is killed and started again
continues. A cell that fails becomes a record with its reason and stops no other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backbench.artefacts.artefact import Artefact
from backbench.assemble import bare_record, base_record, conditions_of, full_record, samples_of
from backbench.catalogue import resolve
from backbench.execute import cell_jobs
from backbench.execute.beside import Beside
from backbench.execute.local import LocalExecutor
from backbench.execute.rounds import Entry, Rounds, discard_stale
from backbench.measuring.check import CheckResult
from backbench.measuring.host_grade import Grade, grade
from backbench.measuring.plan import PLANS, Plan
from backbench.records.environment import fingerprint, host
from backbench.records.manifest import write_manifest
from backbench.records.schema import Record
from backbench.records.store import RunFolder
from backbench.settings import Settings
from backbench.spec.cell import Cell, digest
from backbench.spec.study import Planned, Study, expand
from backbench.spec.where import matches

MOST_CHECKS = 4  # side by side: each holds a network in memory


@dataclass(frozen=True)
class Progress:
    """Where a study stands: the step, what it works on, and how much of the step is done."""

    step: str
    text: str
    done: int = 0
    total: int = 0


@dataclass
class Run:
    """One study being run: what every step needs. `ready` holds the cells that passed the gate."""

    study: Study
    folder: RunFolder
    settings: Settings
    plan: Plan
    executor: LocalExecutor
    tell: Callable[[Progress], None]
    ready: dict[str, tuple[Cell, Artefact, CheckResult]] = field(default_factory=dict)

    def finish(self, cell: Cell, status: str, reason: str | None) -> None:
        """Writes the record of a cell that will not be measured."""
        self.folder.write_record(bare_record(cell, self.study.name, self.plan, status, str(reason)))

    def check_stamp(self, artefact: Artefact) -> str:
        """What must be equal for a check to hold still; how much is measured is nothing to it."""
        return digest([artefact.id, fingerprint(host())])

    def stamp(self, artefact: Artefact) -> str:
        """What must be equal for the samples of two runs to be joined."""
        return digest([artefact.id, fingerprint(host()), self.plan.model_dump(mode="json")])


def run_study(
    study: Study, out: Path, settings: Settings, tell: Callable[[Progress], None] = lambda progress: None
) -> list[Record]:
    """Runs the study into the folder `out` and returns its records in the study's order.

    Raises UsageError (SpecError with every complaint) before anything runs. Cells that fail don't raise: see
    each record's status and reason.
    """
    return run_planned(study, expand(study, resolve(settings), study.name), out, settings, tell)


def run_planned(
    study: Study,
    planned: Sequence[Planned],
    out: Path,
    settings: Settings,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> list[Record]:
    """As `run_study`, for cells that were chosen one by one: the study gives the protocol, baseline and metrics."""
    folder = RunFolder(out)
    folder.create()
    with folder.lock(lambda: tell(Progress("wait", f"another run is writing to {out}"))), LocalExecutor() as executor:
        run = Run(study, folder, settings, PLANS[study.protocol], executor, tell)
        folder.write_study(study.model_dump(mode="json"))
        prepare_all(run, planned)
        measure_all(run)
        write_manifest(folder, study, planned, settings)
    records = (folder.read_record(plan.cell.id) for plan in planned)
    return [record for record in records if record is not None]


def prepare_all(run: Run, planned: Sequence[Planned]) -> None:
    """Every cell's artefact and check, or its record where that is not to be had.

    No time is kept of this, at most a share of one process's own: cells are checked beside the making of the next ones.
    """
    with Beside(checks_at_a_time(planned)) as beside:
        for place, plan in enumerate(planned):
            run.tell(Progress("prepare", plan.cell.label, place, len(planned)))
            if plan.skip:
                run.finish(plan.cell, "skipped", plan.skip)
            else:
                prepare_one(run, plan.cell, beside)
    run.ready = {plan.cell.id: run.ready[plan.cell.id] for plan in planned if plan.cell.id in run.ready}


def checks_at_a_time(planned: Sequence[Planned]) -> int:
    """As many as have processors of their own, each with the threads of its cell."""
    threads = max((plan.cell.threads for plan in planned), default=1)
    return min(MOST_CHECKS, max(1, (os.cpu_count() or 1) // threads))


def prepare_one(run: Run, cell: Cell, beside: Beside) -> None:
    """The cell's artefact; its check starts beside the caller, unless it stands on disk already."""
    report = lambda text: run.tell(Progress("prepare", f"{cell.label}: {text}"))  # noqa: E731
    outcome = cell_jobs.prepare(run.executor, cell, run.settings, report)
    if outcome.status != "ok":
        return run.finish(cell, outcome.status, outcome.reason)
    artefact = Artefact.open(Path(outcome.result["folder"]))
    found = run.folder.read_check(cell.id)
    if found is not None and found["stamp"] == run.check_stamp(artefact):
        admit(run, cell, artefact, found["check"])
    else:
        beside.start(lambda executor: check_one(run, cell, artefact, executor, beside))
    return None


def check_one(run: Run, cell: Cell, artefact: Artefact, executor: LocalExecutor, beside: Beside) -> None:
    """Gate and accuracy of one cell, kept on disk."""
    outcome = cell_jobs.check(executor, cell, artefact, run.settings)
    if beside.left:  # the process was ended with the run: that is no result of the cell
        pass
    elif outcome.status != "ok":
        run.finish(cell, outcome.status, outcome.reason)
    else:
        run.folder.write_check(cell.id, {"stamp": run.check_stamp(artefact), "check": outcome.result})
        admit(run, cell, artefact, outcome.result)


def admit(run: Run, cell: Cell, artefact: Artefact, found: dict[str, Any]) -> None:
    """Lets the cell into the rounds if it passed the gate."""
    check = CheckResult.model_validate(found)
    if check.gate.passed:
        run.ready[cell.id] = (cell, artefact, check)
    else:
        run.finish(cell, "failed", check.gate_sentence())


def measure_all(run: Run) -> None:
    """The rounds, and a record for each cell that came through them."""
    baseline = run.study.baseline
    entries = [
        Entry(cell.id, run.stamp(artefact), baseline is not None and matches(cell, baseline))
        for cell, artefact, _ in run.ready.values()
    ]
    discard_stale(run.folder, entries)
    graded = grade(coarse=run.plan.name != "standard")  # before the rounds: this study's own load is no foreign one
    threads = max((cell.threads for cell, _, _ in run.ready.values()), default=1)
    Rounds(
        run.folder,
        run.plan,
        seed=0,
        sample=lambda cell_id, number: take_sample(run, cell_id, number),
        canary=lambda: cell_jobs.canary(run.executor, threads),
        progress=lambda text: run.tell(Progress("measure", text)),
        budget=run.study.budget,
    ).run(entries)
    for cell, artefact, check in run.ready.values():
        write_record(run, graded, cell, artefact, check)


def take_sample(run: Run, cell_id: str, number: int) -> dict[str, Any] | None:
    """One sample in a fresh process; None (and a failed record) where it ended badly."""
    cell, artefact, _ = run.ready[cell_id]
    outcome = cell_jobs.sample(run.executor, cell, artefact, run.settings, run.plan, number, run.study.metrics)
    if outcome.status == "ok":
        return dict(outcome.result)
    run.finish(cell, outcome.status, outcome.reason)
    run.ready.pop(cell_id)
    return None


def write_record(run: Run, graded: Grade, cell: Cell, artefact: Artefact, check: CheckResult) -> None:
    """The cell's record, unless the folder holds it already with the very same samples."""
    samples = samples_of(run.folder, cell.id)
    conditions = conditions_of(graded, run.folder.read_rounds(), samples)
    record = full_record(base_record(cell, run.study.name, run.plan, "ok", None), artefact, check, samples, conditions)
    known = run.folder.read_record(cell.id)
    if known is None or known.measurements != record.measurements or known.status != "ok":
        run.folder.write_record(record)
