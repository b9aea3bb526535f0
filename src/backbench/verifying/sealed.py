"""The run's own files: each says what it said when it was written, and the manifest ties them together.

Needs nothing but the folder: no data, no cache, no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backbench.errors import BackbenchError
from backbench.records.lock import LOCK
from backbench.records.manifest import MANIFEST, Manifest, file_sha256, read_manifest
from backbench.records.schema import Record
from backbench.report.folders import record_files
from backbench.report.reading import read_record
from backbench.verifying.finding import Finding

KINDS = {LOCK: "lock", "study.json": "study", "weights.safetensors": "weights"}
NO_MANIFEST = (
    "there is none: the run was never finished, an older backbench made it, or it was taken away;"
    " records are held against their own ids alone"
)


def check_folder(folder: Path) -> tuple[list[Finding], list[Record], Manifest | None]:
    """Every finding on the folder's files, the sound records, and the manifest where it can be trusted."""
    findings: list[Finding] = []
    manifest = None
    try:
        manifest = read_manifest(folder)
        findings.append(manifest_finding(folder, manifest))
    except BackbenchError as error:
        findings.append(Finding("manifest", MANIFEST, "fail", str(error)))
    paths = [] if manifest and manifest.kind == "training" else record_files(folder)
    records = []
    for path in paths:
        try:
            record = sound_record(path)
        except BackbenchError as error:
            findings.append(Finding("record", path.name, "fail", str(error)))
            continue
        records.append(record)
        findings.append(record_finding(path, record, manifest))
    if manifest is not None:
        findings += missing(folder, paths, manifest)
        findings += [file_finding(folder / name, sha256) for name, sha256 in manifest.files.items()]
    return findings, records, manifest


def manifest_finding(folder: Path, manifest: Manifest | None) -> Finding:
    if manifest is None:
        return Finding("manifest", MANIFEST, "can't tell", NO_MANIFEST)
    commit = str(manifest.tool.get("commit") or "no checkout")[:12]
    dirty = ", changed since" if manifest.tool.get("dirty") else ""
    return Finding(
        "manifest", MANIFEST, "pass", f"{manifest.manifest_id[:16]}, {' '.join(manifest.command)}, {commit}{dirty}"
    )


def sound_record(path: Path) -> Record:
    """Raises BackbenchError where the record was changed, is cut off, or is of another cell than it says."""
    record = read_record(path)
    if record.cell.id != record.cell_id:
        raise BackbenchError(f"{path}: its cell_id {record.cell_id} is not the hash of its cell ({record.cell.id})")
    return record


def record_finding(path: Path, record: Record, manifest: Manifest | None) -> Finding:
    """Whether the record is the one that the manifest names."""
    named = manifest.records.get(path.name) if manifest else record.record_id
    if named is None:
        return Finding("record", path.name, "fail", f"{path}: the manifest names no such record: it was added later")
    if named != record.record_id:
        detail = f"{path}: the manifest names record {named[:16]}, this is {record.record_id[:16]}: it was exchanged"
        return Finding("record", path.name, "fail", detail)
    return Finding("record", path.name, "pass", f"{record.record_id[:16]}, {record.status}, {record.cell.label}")


def missing(folder: Path, paths: Sequence[Path], manifest: Manifest) -> list[Finding]:
    """Records that the manifest names and that are not there."""
    lost = sorted(manifest.records.keys() - {path.name for path in paths})
    return [
        Finding("record", name, "fail", f"{folder}: the manifest names this record, and it is missing") for name in lost
    ]


def file_finding(path: Path, expected: str) -> Finding:
    kind = KINDS.get(path.name, "file")
    if not path.is_file():
        return Finding(kind, path.name, "fail", f"{path}: the file is missing")
    found = file_sha256(path)
    if found != expected:
        detail = f"{path}: changed after it was written (SHA-256 {found[:16]}…, the manifest has {expected[:16]}…)"
        return Finding(kind, path.name, "fail", detail)
    return Finding(kind, path.name, "pass", f"SHA-256 {found[:16]}…")
