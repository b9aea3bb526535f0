"""`backbench verify` and `backbench reproduce`: hashes first, then cells measured again in fresh processes (rule 20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from backbench.errors import BackbenchError, MissingDependency, UsageError
from backbench.records.environment import source_sha256
from backbench.records.lock import installed
from backbench.records.manifest import Manifest
from backbench.records.schema import Record
from backbench.settings import Settings
from backbench.spec.choice import is_reference
from backbench.verifying.equal import held_against
from backbench.verifying.finding import Finding, failed
from backbench.verifying.inputs import check_inputs
from backbench.verifying.latency import same_host
from backbench.verifying.ranks import check_ranks
from backbench.verifying.remeasure import Tell, chosen, measure_again, plan_again, workplace
from backbench.verifying.sealed import check_folder

MOST = 5  # packages that a finding names


@dataclass(frozen=True)
class Terms:
    """How cells are measured again: where the records go, what is allowed, who is told. `trust` allows to import and call
    the function that a record names as its network: that is code, chosen by whoever wrote the record.
    """

    out: Path
    settings: Settings
    tell: Tell
    trust: bool = False


def verify(run: Path, sample: int, terms: Terms) -> list[Finding]:
    """Every finding on the run; nothing is measured where a hash is wrong. Raises UsageError where there is no run."""
    if not run.is_dir():
        raise UsageError(f"verify {run}: there is no such folder; a run's folder holds manifest.json and records/")
    findings, records, manifest = check_folder(run)
    if not records and not findings_on_records(findings) and (manifest is None or manifest.kind == "run"):
        raise UsageError(f"verify {run}: there are no records in it")
    findings += [*check_environment(manifest), *check_inputs(records, terms.settings)]
    if failed(findings) or sample == 0:
        return findings
    return [*findings, *measured(chosen(records, sample), terms)]


def findings_on_records(findings: Sequence[Finding]) -> bool:
    return any(finding.kind == "record" for finding in findings)


def check_environment(manifest: Manifest | None) -> list[Finding]:
    """Whether this is the code and these are the packages of the run: no fault where not, but it explains others."""
    if manifest is None:
        return []
    code = [] if manifest.source_sha256 == source_sha256() else ["backbench's own code"]
    now, then = installed().versions, manifest.packages
    names = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    moved = [f"{name} {then.get(name, 'none')} → {now.get(name, 'none')}" for name in names]
    if not code and not moved:
        return [Finding("packages", "installed", "pass", f"{len(now)} packages and backbench's own code as they were")]
    listed = [*code, *moved[:MOST], *([f"{len(moved) - MOST} more"] if len(moved) > MOST else [])]
    return [Finding("packages", "installed", "not checked", f"another environment: {', '.join(listed)}")]


def measured(records: Sequence[Record], terms: Terms) -> list[Finding]:
    """The sampled cells again, latency and everything that is not time."""
    able, findings = possible(records, terms)
    if not able:
        return findings
    again = measure_again(able, terms.out, terms.settings, terms.tell, metrics=("latency",))
    pairs = [(record, again[record.cell_id]) for record in able if record.cell_id in again]
    for old, new in pairs:
        findings += held_against(old, new, len(pairs))
    if any(not same_host(old, new) for old, new in pairs):
        findings += [finding for finding in (check_ranks(pairs),) if finding is not None]
    return findings


def possible(records: Sequence[Record], terms: Terms) -> tuple[list[Record], list[Finding]]:
    """The cells that can be measured here, and for the others why not."""
    able, findings = [], []
    for record in records:
        try:
            refused = refusal(record, terms)
        except BackbenchError as error:
            refused = str(error)
        if refused is None:
            able.append(record)
        else:
            name = f"{record.cell_id} ({record.cell.label})"
            findings.append(Finding("cell", name, "can't tell", f"can't be measured here: {' '.join(refused.split())}"))
    return able, findings


def refusal(record: Record, terms: Terms) -> str | None:
    """Why the cell can't be measured here. Raises UsageError."""
    if find_spec("torch") is None:
        return str(MissingDependency("preparing an artefact", "torch", "torch"))
    name = record.cell.model.name
    if is_reference(name) and not name.startswith("torchvision:") and not terms.trust:
        return f"its network is the function {name}, which would be imported and called; --trust-code allows it"
    with workplace([record]):
        return plan_again(record, terms.settings).skip


def reproduce(record: Record, terms: Terms) -> list[Finding]:
    """One cell from nothing but its record: what of it holds. Raises UsageError where the cell was never measured."""
    if record.status != "ok":
        raise UsageError(
            f"{record.cell_id}: {record.status}, never measured ({record.reason}): there is nothing to repeat"
        )
    able, findings = possible([record], terms)
    if not able:
        return findings
    again = measure_again(able, terms.out, terms.settings, terms.tell, metrics=tuple(record.measurements))
    return held_against(record, again[record.cell_id], 1)
