"""The check of one cell before anything is timed: gate, then accuracy, through the session class that is timed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from backbench.artefacts.artefact import Artefact
from backbench.data import load_dataset
from backbench.data.titles import seen
from backbench.measuring.accuracy import evaluate
from backbench.measuring.cpu import thread_budget
from backbench.measuring.gate import gate, misses, row_of
from backbench.measuring.integer_share import integer_time
from backbench.measuring.warnings import chance
from backbench.records.schema import Gate, Predictions, Warn
from backbench.runtimes import REGISTRY as RUNTIMES
from backbench.runtimes.runtime import Session
from backbench.settings import Settings
from backbench.spec.cell import Cell

UNTRAINED = "the head was never trained on this dataset"
SEEN = "published networks have learnt from these images: outputs are compared on them, accuracy is not told"


class CheckJob(BaseModel):
    """The artefact's folder, the cell, and where the data is (`settings.allow_untrained` records chance)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    artefact: Path
    cell: Cell
    settings: Settings


class CheckResult(BaseModel):
    """`reason` says why there are no predictions; `executed` is what the runtime says that it ran."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: Gate
    trained: bool
    predictions: Predictions | None = None
    reason: str | None = None
    executed: dict[str, Any] = {}
    warnings: tuple[Warn, ...] = ()

    def gate_sentence(self) -> str:
        """What the gate found, in one sentence."""
        missed = ", ".join(misses(self.gate, self.trained))
        row = f"the {self.gate.tolerance} tolerance on {self.gate.n} real inputs"
        return f"the outputs are not the reference's: {missed}; {row}" if missed else f"within {row}"


def check(job: CheckJob) -> CheckResult:
    """Never raises for outputs that are wrong; raises what opening the runtime or reading the data raises."""
    artefact = Artefact.open(job.artefact)
    runtime = RUNTIMES.build(job.cell.runtime)
    with thread_budget(job.cell.threads), runtime.open(artefact, job.cell.device, job.cell.threads) as session:
        inputs, reference = artefact.load_inputs(), artefact.load_reference()
        batch = artefact.input[0] or job.cell.batch
        found = gate(session, inputs, reference, row_of(runtime, artefact), batch, artefact.trained)
        executed = {**session.executed(), **integer_time(runtime, artefact, job.cell)}
        result = CheckResult(gate=found, trained=artefact.trained, executed=executed)
        return with_accuracy(result, session, artefact, job) if found.passed else result


def with_accuracy(result: CheckResult, session: Session, artefact: Artefact, job: CheckJob) -> CheckResult:
    """The result with the predictions, or with the reason why there are none."""
    if not artefact.trained and not job.settings.allow_untrained:
        return result.model_copy(update={"reason": UNTRAINED})
    dataset = load_dataset(job.cell.dataset, job.settings)
    if seen(dataset.name):
        return result.model_copy(update={"reason": SEEN})
    warnings = () if artefact.trained else (chance(artefact.num_classes),)
    predictions = evaluate(session, artefact, dataset)
    return result.model_copy(update={"predictions": predictions, "warnings": warnings})
