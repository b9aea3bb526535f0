"""From the parts of a cell to its profile, and to the record that `backbench report` and `show` read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from backbench.assemble import bare_record, base_record, collect, conditions_of, samples_of, unique
from backbench.measuring import warnings as doubts
from backbench.measuring.host_grade import Grade
from backbench.measuring.sample import SampleResult
from backbench.profiling.document import Profile
from backbench.profiling.parts import Found, Run
from backbench.profiling.timed import Blocks, Process
from backbench.records.environment import host, tool
from backbench.records.schema import Conditions, Record, Warn

SLOW = 3.0  # an instrumented pass takes at most so many plain ones
TIME_LEFT = 0.05  # plain calls after the hooks were removed against those before


def assembled(run: Run, found: Found, graded: Grade) -> Profile:
    """Everything that is known of the cell, its failure included."""
    samples = samples_of(run.folder, found.cell.id)
    conditions = conditions_of(graded, run.folder.read_rounds(), samples) if samples else None
    parts = {name: found.parts.get(name, {}) for name in ("structure", "inside", "nodes", "inputs")}
    profile = Profile(
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        tool=tool(),
        study=run.study.name,
        cell_id=found.cell.id,
        cell=found.cell,
        status=found.status,
        reason=found.reason,
        reasons=found.reasons,
        protocol=run.plan.model_dump(mode="json"),
        processes=tuple(process(sample) for sample in samples.values()),
        scaling=found.parts.get("scaling"),
        ceilings=found.parts.get("ceilings"),
        peaks=found.peaks,
        executed=next((sample.executed for sample in samples.values()), {}),
        host=host(),
        conditions=conditions,
        **{name: value for several in parts.values() for name, value in several.items()},
    )
    return profile.model_copy(update={"warnings": warnings_of(run, profile, samples)})


def process(sample: SampleResult) -> Process:
    latency = sample.measurements["latency"][0]
    memory = {
        key: value
        for peak in sample.measurements.get("peak_memory", ())
        for key, value in {**peak.data, "rise": int(peak.values[0])}.items()
    }
    return Process(round=latency.round, values=latency.values, data=latency.data, memory=memory)


def record_of(run: Run, profile: Profile) -> Record:
    """The record of the whole network: a study's own, but for what a profile does not make (gate, artefact)."""
    if profile.status != "ok":
        return bare_record(profile.cell, profile.study, run.plan, profile.status, str(profile.reason))
    samples = samples_of(run.folder, profile.cell.id)
    return measured_record(run, profile, samples, profile.conditions, profile.warnings)


def measured_record(
    run: Run,
    profile: Profile,
    samples: dict[int, SampleResult],
    conditions: Conditions | None,
    warnings: tuple[Warn, ...],
) -> Record:
    return Record(
        **base_record(profile.cell, profile.study, run.plan, "ok", None),
        cost={"counters": {"torch": profile.structure.macs}} if profile.structure else {},
        measurements=collect(samples.values()),
        executed=profile.executed,
        conditions=conditions,
        warnings=warnings,
    ).sealed()


def warnings_of(run: Run, profile: Profile, samples: dict[int, SampleResult]) -> tuple[Warn, ...]:
    """The protocol's doubts about the whole, and a profile's own about its parts."""
    known: list[Warn] = []
    if samples:
        known += doubts.of_record(measured_record(run, profile, samples, profile.conditions, ()))
    if profile.blocks is not None:
        known += block_doubts(profile.blocks)
    return unique(known)


def block_doubts(blocks: Blocks) -> list[Warn]:
    found = []
    if blocks.slowdown > SLOW:
        found.append(
            warn(
                "instrumented-slow",
                f"with every block timed a call takes {blocks.slowdown:.1f} × as long (at most {SLOW:g} ×)",
                {"slowdown": blocks.slowdown},
                "a smaller --depth",
            )
        )
    if blocks.hooks_left:
        found.append(warn("hooks-left", f"{blocks.hooks_left} hooks stand in the network after timing", {}, ""))
    if abs(blocks.restored - 1) > TIME_LEFT:
        found.append(
            warn(
                "not-restored",
                f"plain calls after the hooks were removed take {blocks.restored:.2f} × those before",
                {"ratio": blocks.restored},
                "a quieter machine",
            )
        )
    return found


def warn(code: str, message: str, evidence: dict[str, Any], remedy: str) -> Warn:
    return Warn(code=code, message=message, evidence=evidence, remedy=remedy)
