"""One run of profiles: what its steps share, and how a part is had: from disk, or from a fresh process.

OUT/parts/<cell_id>/<part>.json   {stamp, result}: used again while the cell, the host, the plan and the code are
OUT/profiles/<cell_id>.json       the profile, written last
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import backbench
from backbench.execute import cell_jobs
from backbench.execute.job import Job, Outcome
from backbench.execute.local import LocalExecutor
from backbench.measuring.plan import Plan
from backbench.pipeline import Progress
from backbench.profiling.counted import Prediction, Structure
from backbench.profiling.network import input_of
from backbench.profiling.part_job import PartJob
from backbench.records.environment import fingerprint, host
from backbench.records.store import RunFolder, write_atomically
from backbench.settings import Settings
from backbench.spec.cell import Cell, digest
from backbench.spec.study import Study

TIMEOUT = 3600.0
CODE = ("models", "profiling")
SHOWN = Path(__file__).parent / "pages"  # how a profile is shown changes no part
IN_RUNTIME = ("whole", "nodes", "inputs")  # parts that import what the runtime needs, and nothing else


@dataclass(frozen=True)
class Wanted:
    """Depth of the blocks, a folder of photographs, parts to leave out, and traces to write."""

    depth: int = 2
    images: Path | None = None
    skip: frozenset[str] = frozenset()
    perfetto: bool = False
    tensorboard: bool = False


@dataclass
class Found:
    """What is known of one cell so far. A `reason` of its own means that nothing more will be."""

    cell: Cell
    status: str = "ok"
    reason: str | None = None
    artefact: Path | None = None
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    endings: dict[str, str] = field(default_factory=dict)  # part → "skipped" or "failed", beside its reason
    peaks: dict[str, int] = field(default_factory=dict)

    def ended(self, status: str, reason: str) -> Found:
        self.status, self.reason = status, reason
        return self

    @property
    def structure(self) -> Structure:
        return Structure.model_validate(self.parts["structure"]["structure"])

    @property
    def prediction(self) -> Prediction:
        return Prediction.model_validate(self.parts["structure"]["prediction"])


@dataclass
class Run:
    """One study being profiled."""

    study: Study
    folder: RunFolder
    settings: Settings
    wanted: Wanted
    plan: Plan
    executor: LocalExecutor
    tell: Callable[[Progress], None]

    def stamp(self, cell: Cell) -> str:
        """What must be equal for a sample or a part on disk to be used again."""
        return digest([cell.id, fingerprint(host()), self.plan.model_dump(mode="json"), code_sha256()])


@cache
def code_sha256() -> str:
    """Of the code that decides what a part holds: what other code made is made again."""
    root, code = Path(backbench.__file__).parent, hashlib.sha256()
    files = sorted(path for folder in CODE for path in (root / folder).rglob("*.py"))
    for path in (path for path in files if SHOWN not in path.parents):
        code.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return code.hexdigest()


def part(
    run: Run,
    found: Found,
    kind: str,
    *,
    name: str | None = None,
    cell: Cell | None = None,
    again: bool = False,
    **fields: Any,
) -> dict[str, Any] | None:
    """The part's result, noted in `found`; None, and its reason noted, where it ended badly. `again`: not from disk."""
    name, stated = name or kind, {"cell": cell or found.cell, "artefact": found.artefact, **fields}
    job = PartJob(settings=run.settings, plan=run.plan, **stated).model_dump(mode="json")
    path = run.folder.path / "parts" / found.cell.id / f"{name}.json"
    stamp = digest([run.stamp(found.cell), kind, {**job, "settings": run.settings.max_memory}])  # not where data lies
    result = None if again else kept(path, stamp)
    if result is None:
        run.tell(Progress("profile", f"{found.cell.label}: {name}"))
        outcome = submit(run, cell or found.cell, kind, job)
        if outcome.status != "ok":
            found.reasons[name], found.endings[name] = explained(found, str(outcome.reason)), outcome.status
            return None
        result = dict(outcome.result)
        write_atomically(path, json.dumps({"stamp": stamp, "result": result}, allow_nan=False) + "\n")
    found.peaks[name] = int(result.pop("peak") or 0)
    found.parts[name] = result
    return result


def submit(run: Run, cell: Cell, kind: str, job: dict[str, Any], spawn: bool = False) -> Outcome:
    """The part in a fresh process with the cell's threads."""
    work = Job(name="profile", payload={"part": kind, "job": job}, timeout=TIMEOUT)
    if kind in IN_RUNTIME:
        return cell_jobs.in_runtime(run.executor, cell, work, spawn=spawn)
    modules = (cell_jobs.HARNESS, *cell_jobs.preload(cell, ("torch",)))
    return run.executor.run(work, threads=cell.threads, preload=modules)


def kept(path: Path, stamp: str) -> dict[str, Any] | None:
    """A part on disk, where it was made from the same."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return dict(found["result"]) if found.get("stamp") == stamp else None


def explained(found: Found, reason: str) -> str:
    """A process that was killed says no more than that; what it was expected to need may explain it."""
    if "structure" not in found.parts or not ("SIGKILL" in reason or "memory" in reason):
        return reason
    least, most, free = (
        f"{size / 1e9:.2f}" for size in (found.prediction.least, found.prediction.most, found.prediction.available)
    )
    return f"{reason}; {least} to {most} GB were predicted, with {free} GB free"


def file_name(cell: Cell) -> str:
    """The model, the size and the beginning of the cell's id, without what a file system dislikes."""
    words = f"{cell.model}-{'x'.join(map(str, input_of(cell)))}"
    return "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in words)[:100] + f"-{cell.id[:8]}"
