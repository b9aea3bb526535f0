"""From what the processes left to a record: the artefact's facts, the check, and every sample that was kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from backbench.artefacts.artefact import Artefact
from backbench.measuring import REGISTRY as METRICS
from backbench.measuring import warnings as doubts
from backbench.measuring.check import CheckResult
from backbench.measuring.host_grade import Grade
from backbench.measuring.plan import Plan
from backbench.measuring.sample import SampleResult
from backbench.records.environment import host, tool
from backbench.records.schema import Conditions, Measurement, Record, Sample, Warn
from backbench.records.store import RunFolder
from backbench.spec.cell import Cell


def base_record(cell: Cell, study: str, plan: Plan, status: str, reason: str | None) -> dict[str, Any]:
    """The fields that every record has, measured or not."""
    return {
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "tool": tool(),
        "study": study,
        "cell_id": cell.id,
        "cell": cell,
        "protocol": plan.model_dump(mode="json"),
        "status": status,
        "reason": reason,
        "host": host(),
    }


def bare_record(cell: Cell, study: str, plan: Plan, status: str, reason: str) -> Record:
    """A cell that was skipped or has failed: its reason, and nothing that was not measured."""
    return Record(**base_record(cell, study, plan, status, reason)).sealed()


def full_record(
    base: dict[str, Any],
    artefact: Artefact,
    check: CheckResult,
    samples: dict[int, SampleResult],
    conditions: Conditions,
) -> Record:
    """A measured cell. `samples` are the kept ones by round."""
    measurements = collect(samples.values())
    executed = {**check.executed, **next((sample.executed for sample in samples.values()), {})}
    record = Record(
        **base,
        inputs={**artefact.inputs, "preprocessing": artefact.preprocessing.model_dump(mode="json")},
        artefact=facts(artefact),
        evidence=artefact.evidence,
        cost=artefact.cost,
        gate=check.gate,
        predictions=check.predictions,
        measurements=measurements,
        executed=executed,
        conditions=conditions,
        warnings=unique([*check.warnings, *(warn for sample in samples.values() for warn in sample.warnings)]),
    )
    return record.model_copy(update={"warnings": unique([*record.warnings, *doubts.of_record(record)])}).sealed()


def facts(artefact: Artefact) -> dict[str, Any]:
    """What the record keeps of the artefact."""
    return {
        "id": artefact.id,
        "format": artefact.format,
        "bytes": artefact.bytes,
        "files": [file.model_dump() for file in artefact.files],
        "opset": artefact.opset,
        "input": list(artefact.input),
        "classes": artefact.num_classes,
        "parameters": artefact.parameters,
        "trained": artefact.trained,
        "training": artefact.training,
    }


def collect(samples: Iterable[SampleResult]) -> dict[str, Measurement]:
    """Every metric's samples of all rounds; a metric without any keeps the reason."""
    taken: dict[str, list[Sample]] = {}
    reasons: dict[str, str] = {}
    for result in samples:
        for name, found in result.measurements.items():
            taken.setdefault(name, []).extend(found)
        reasons |= result.reasons
    return {
        name: Measurement(
            unit=METRICS.get(name)().unit,
            samples=tuple(taken.get(name, ())),
            reason=None if taken.get(name) else reasons.get(name),
        )
        for name in sorted(taken.keys() | reasons.keys())
    }


def samples_of(folder: RunFolder, cell_id: str) -> dict[int, SampleResult]:
    """The kept samples by round; those of another stamp were discarded before."""
    return {
        number: SampleResult.model_validate({key: value for key, value in data.items() if key != "stamp"})
        for number, data in sorted(folder.read_samples(cell_id).items())
    }


def conditions_of(grade: Grade, rounds: dict[int, dict[str, Any]], samples: dict[int, SampleResult]) -> Conditions:
    """How quiet the machine was while this cell's samples were taken."""
    canaries = [seconds for sample in samples.values() for seconds in sample.canary]
    usual = sorted(canaries)[len(canaries) // 2] if canaries else None
    return Conditions(
        grade=grade.letter,
        grade_reasons=tuple(grade.sentences()),
        foreign=tuple(sample.foreign for sample in samples.values()),
        canary=tuple(canaries),
        canary_drift=max(abs(seconds / usual - 1) for seconds in canaries) if usual else None,
        voided_rounds=sum(len(data["voided"]) for data in rounds.values()),
    )


def unique(warnings: list[Warn]) -> tuple[Warn, ...]:
    """One of each code: the first, whose evidence is the earliest."""
    return tuple({warn.code: warn for warn in reversed(warnings)}.values())[::-1]
