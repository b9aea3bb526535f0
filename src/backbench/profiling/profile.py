"""START HERE: from a study's cells to their profiles.

    structure and prediction (nothing is run) → rounds of whole networks → inside each → sweeps → ceilings → profiles

Each part runs in a fresh process and its result is on disk before the next begins, so a profile that was killed
continues. A size that would not fit into memory is never run: its record says what it would need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from backbench.artefacts.artefact import Artefact
from backbench.catalogue import resolve
from backbench.errors import BackbenchError, Skip
from backbench.execute import cell_jobs
from backbench.execute.local import LocalExecutor
from backbench.execute.rounds import Entry, Rounds, discard_stale
from backbench.measuring.check import CheckResult
from backbench.measuring.host_grade import grade
from backbench.measuring.plan import PLANS
from backbench.pipeline import Progress
from backbench.profiling.assembly import assembled, record_of
from backbench.profiling.document import Profile
from backbench.profiling.network import changed, input_of, refuse_parts
from backbench.profiling.parts import Found, Run, Wanted, explained, file_name, part, submit
from backbench.profiling.prediction import refusal
from backbench.profiling.sweep import largest_that_fits, sweep
from backbench.profiling.whole import WholeJob
from backbench.records.store import RunFolder, write_atomically
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.spec.study import Planned, Study, expand

SKIPPABLE = ("blocks", "inputs", "roofline", "scaling")


def profile_study(
    study: Study,
    out: Path,
    settings: Settings,
    wanted: Wanted | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> list[Profile]:
    """Profiles every cell of the study into the folder `out`; the profiles in the study's order.

    Raises UsageError before anything runs. A network that fails has a profile, and a record, that say why.
    """
    planned = [with_batch(plan) for plan in expand(study, resolve(settings), study.name)]
    folder = RunFolder(out)
    folder.create()
    with folder.lock(lambda: tell(Progress("wait", f"another run is writing to {out}"))), LocalExecutor() as executor:
        run = Run(study, folder, settings, wanted or Wanted(), PLANS[study.protocol], executor, tell)
        folder.write_study(study.model_dump(mode="json"))
        return profiles(run, planned)


def with_batch(plan: Planned) -> Planned:
    """The cell with the batch that its input says. Raises UsageError for what a profile does not look at."""
    refuse_parts(plan.cell)
    return Planned(changed(plan.cell, batch=input_of(plan.cell)[0]), plan.skip)


def profiles(run: Run, planned: Sequence[Planned]) -> list[Profile]:
    """The flow: what is known before running, then the rounds, then what is inside."""
    cells = [begun(run, plan) for plan in planned]
    graded = grade(coarse=run.plan.name != "standard")  # before the rounds: this study's own load is no foreign one
    measure_all(run, alive(cells))
    for found in alive(cells):
        look_inside(run, found)
    share_ceilings(run, alive(cells))
    made = [assembled(run, found, graded) for found in cells]
    for profile in made:
        run.folder.write_record(record_of(run, profile))
        write_atomically(run.folder.path / "profiles" / f"{profile.cell_id}.json", profile.model_dump_json() + "\n")
    return made


def alive(cells: Sequence[Found]) -> list[Found]:
    return [found for found in cells if found.status == "ok"]


def begun(run: Run, plan: Planned) -> Found:
    """Structure and prediction; a cell that can't run ends here with its reason."""
    found = Found(plan.cell)
    if plan.skip:
        return found.ended("skipped", plan.skip)
    if part(run, found, "structure", again=True) is None:
        return found.ended(found.endings["structure"], found.reasons.pop("structure"))
    if not found.prediction.fits:
        largest = largest_that_fits(run, found)
        return found.ended("failed", refusal(found.prediction, input_of(found.cell), largest))
    return found if found.cell.runtime.name == "eager" else prepared(run, found)


def prepared(run: Run, found: Found) -> Found:
    """The artefact of another runtime than eager, through its gate: no timing of outputs that are wrong."""
    report = lambda text: run.tell(Progress("prepare", f"{found.cell.label}: {text}"))  # noqa: E731
    try:
        folder = Path(cell_jobs.prepare(run.executor, found.cell, run.settings, report).value()["folder"])
        outcome = cell_jobs.check(run.executor, found.cell, Artefact.open(folder), run.settings)
        check = CheckResult.model_validate(outcome.value())
    except BackbenchError as error:
        return found.ended("skipped" if isinstance(error, Skip) else "failed", str(error))
    if not check.gate.passed:
        return found.ended("failed", check.gate_sentence())
    found.artefact = folder
    return found


def measure_all(run: Run, cells: Sequence[Found]) -> None:
    """Rounds of whole networks, each sample in a fresh process, as a study's cells are measured."""
    by_id = {found.cell.id: found for found in cells}
    entries = [Entry(found.cell.id, run.stamp(found.cell)) for found in cells]
    discard_stale(run.folder, entries)
    threads = max((found.cell.threads for found in cells), default=1)
    Rounds(
        run.folder,
        run.plan,
        seed=0,
        sample=lambda cell_id, number: whole(run, by_id[cell_id], number),
        canary=lambda: cell_jobs.canary(run.executor, threads),
        progress=lambda text: run.tell(Progress("measure", text)),
        budget=run.study.budget,
    ).run(entries)


def whole(run: Run, found: Found, number: int) -> dict[str, Any] | None:
    """One sample of the whole network; None, and a cell that has ended, where it went badly."""
    job = WholeJob(cell=found.cell, settings=run.settings, plan=run.plan, round=number, artefact=found.artefact)
    outcome = submit(run, found.cell, "whole", job.model_dump(mode="json"), spawn=number == 0)
    if outcome.status != "ok":
        found.ended(outcome.status, explained(found, str(outcome.reason)))
        return None
    result = dict(outcome.result)
    found.peaks["whole"] = max(found.peaks.get("whole", 0), int(result.pop("peak") or 0))
    return result


def look_inside(run: Run, found: Found) -> None:
    """Blocks and operators of eager, the runtime's own nodes of the others, random against real inputs, sweeps."""
    eager = found.cell.runtime.name == "eager"
    if not eager:
        part(run, found, "nodes")
    elif "blocks" not in run.wanted.skip:
        part(run, found, "inside", depth=run.wanted.depth, **traces(run, found.cell))
    if run.wanted.images is not None and "inputs" not in run.wanted.skip:
        part(run, found, "inputs", images=run.wanted.images)
    if eager and "scaling" not in run.wanted.skip:
        found.parts["scaling"] = sweep(run, found).model_dump(mode="json")


def traces(run: Run, cell: Cell) -> dict[str, Any]:
    """Where the traces go, if they are wanted."""
    place, name = run.folder.path.resolve(), file_name(cell)
    wanted = {"perfetto": run.wanted.perfetto, "tensorboard": run.wanted.tensorboard}
    paths = {"perfetto": place / "traces" / f"{name}.json", "tensorboard": place / "tensorboard" / name}
    return {kind: path for kind, path in paths.items() if wanted[kind]}


def share_ceilings(run: Run, cells: Sequence[Found]) -> None:
    """The machine's ceilings at each number of threads: measured once, shared by the cells."""
    known: dict[tuple[int, str], Found] = {}
    for found in cells if "roofline" not in run.wanted.skip else ():
        first = known.setdefault((found.cell.threads, found.cell.device), found)
        if first is found:
            part(run, found, "ceilings")
        elif "ceilings" in first.parts:
            found.parts["ceilings"] = first.parts["ceilings"]
