"""A job: one named function on plain data, and what came of it. The seam between the study and where it runs.

Local processes run jobs today (`execute.local`); an engine for many machines has only to carry these two
objects.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backbench.errors import BackbenchError, CellFailed, Skip
from backbench.registry import load

JOBS = {
    "prepare": "backbench.execute.jobs:prepare_cell",
    "check": "backbench.execute.jobs:check_cell",
    "sample": "backbench.execute.jobs:sample_cell",
    "canary": "backbench.execute.jobs:run_canary",
    "profile": "backbench.profiling.jobs:perform",
}

Report = Callable[[str], None]


class Job(BaseModel):
    """What to run (a name of `JOBS`), on what, for how long at most (seconds)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    payload: dict[str, Any] = Field(default_factory=dict)
    timeout: float = 3600.0


class Outcome(BaseModel):
    """What came of a job. `exit_code` is the error's, for a command that does this one job; `cpu` is the seconds of
    processor time that its process took."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["ok", "skipped", "failed"]
    result: dict[str, Any] = Field(default_factory=dict)
    reason: str | None = None
    trace: str | None = None
    exit_code: int = BackbenchError.exit_code
    cpu: float = 0.0

    def value(self) -> dict[str, Any]:
        """The job's result. Raises Skip or CellFailed with the reason where there is none."""
        if self.status == "ok":
            return self.result
        raise Skip(str(self.reason)) if self.status == "skipped" else CellFailed(str(self.reason), self.exit_code)


def perform(job: Job, report: Report) -> Outcome:
    """Runs the job in this process; whatever it raises becomes an outcome."""
    try:
        return Outcome(status="ok", result=load(JOBS[job.name])(job.payload, report))
    except Skip as reason:
        return Outcome(status="skipped", reason=str(reason))
    except BackbenchError as error:
        return Outcome(status="failed", reason=str(error), exit_code=error.exit_code)
    except MemoryError:
        return Outcome(
            status="failed", reason="out of memory: the process could allocate no more", trace=traceback.format_exc()
        )
    except Exception as error:
        # A crash of a library is that cell's result, with its first line as the reason; the others go on.
        return Outcome(
            status="failed", reason=f"{type(error).__name__}: {first_line(error)}", trace=traceback.format_exc()
        )


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "no message"
