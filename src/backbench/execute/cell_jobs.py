"""The three jobs of one cell, each asked for in a fresh process that imports only what that step needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from backbench.artefacts.artefact import Artefact
from backbench.execute.job import Job, Outcome
from backbench.execute.local import LocalExecutor
from backbench.measuring.plan import Plan
from backbench.models import REGISTRY as MODELS
from backbench.runtimes import REGISTRY as RUNTIMES
from backbench.settings import Settings
from backbench.spec.cell import Cell

PREPARE_TIMEOUT = 24 * 3600.0  # training may take long; it is resumed, not limited
JOB_TIMEOUT = 3600.0
HARNESS = "backbench.measuring.sample"  # what measures: without torch, and the same for every runtime


def prepare(executor: LocalExecutor, cell: Cell, settings: Settings, report: Callable[[str], None]) -> Outcome:
    """The cell's artefact: {"folder": …}. All processors may train it; a file that is given needs no torch."""
    job = Job(name="prepare", payload={"cell": plain(cell), "settings": plain(settings)}, timeout=PREPARE_TIMEOUT)
    modules = preload(cell, ("torch",)) if settings.artefact is None else ()
    return executor.run(job, threads=os.cpu_count() or 1, preload=modules, shared=True, report=report)


def check(executor: LocalExecutor, cell: Cell, artefact: Artefact, settings: Settings) -> Outcome:
    """Gate and accuracy: a CheckResult."""
    payload = {"artefact": str(artefact.folder), "cell": plain(cell), "settings": plain(settings)}
    return in_runtime(executor, cell, Job(name="check", payload=payload, timeout=JOB_TIMEOUT))


def sample(
    executor: LocalExecutor,
    cell: Cell,
    artefact: Artefact,
    settings: Settings,
    plan: Plan,
    number: int,
    metrics: tuple[str, ...] | None,
) -> Outcome:
    """One sample of round `number`: a SampleResult. The plan says which rounds are spawned."""
    payload = {
        "artefact": str(artefact.folder),
        "cell": plain(cell),
        "settings": plain(settings),
        "plan": plain(plan),
        "round": number,
        "seed": cell.seed,
        "metrics": metrics,
    }
    return in_runtime(
        executor, cell, Job(name="sample", payload=payload, timeout=JOB_TIMEOUT), spawn=number < plan.spawned
    )


def canary(executor: LocalExecutor, threads: int) -> float:
    """Seconds of the fixed load, in a process of its own."""
    outcome = executor.run(Job(name="canary", payload={"threads": threads}, timeout=60), threads=threads)
    return float(outcome.result["seconds"])


def in_runtime(executor: LocalExecutor, cell: Cell, job: Job, spawn: bool = False) -> Outcome:
    modules = (HARNESS, *preload(cell, RUNTIMES.build(cell.runtime).preload))
    return executor.run(job, threads=cell.threads, preload=modules, spawn=spawn)


def preload(cell: Cell, modules: tuple[str, ...]) -> tuple[str, ...]:
    """What the process finds imported: timm too where torch rebuilds a network that is timm's or torchvision's."""
    return (*modules, "timm") if "torch" in modules and cell.model.name not in MODELS else modules


def plain(model: Cell | Settings | Plan) -> dict[str, Any]:
    return model.model_dump(mode="json")
