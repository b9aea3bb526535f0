"""The manifest: what it takes to repeat a run, in one file of its folder, sealed by its own hash.

    OUT/manifest.json       this model: command, study, cells, code, packages, host, seeds, and a hash of everything else
    OUT/requirements.lock   the packages that were installed, one a line

A training leaves one beside its weights. The hashes tie the folder together: a record that was changed does not give
its own `record_id`; one that was exchanged as a whole is not the one that the manifest names. Whoever writes a manifest
anew can seal anything: against that only measuring again helps (`backbench verify`).

Manifest history
    1  2026-11  first version
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from backbench.errors import BackbenchError, UsageError
from backbench.records.environment import host, source_sha256, tool, variables
from backbench.records.lock import LOCK, Installed, installed, lock_text, parse_lock
from backbench.records.schema import Frozen, Record
from backbench.records.store import RunFolder, write_atomically
from backbench.settings import Settings
from backbench.spec.cell import canonical
from backbench.spec.study import Planned, Study

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1
ALLOWED = {"download", "allow_untrained", "max_memory", "deterministic"}  # of the settings; the others are places


class Manifest(Frozen):
    """`files`: SHA-256 of the folder's other files by name; `records`: file name → record_id; `inputs`: by cell."""

    manifest_version: int = MANIFEST_VERSION
    manifest_id: str = ""
    kind: Literal["run", "training"]
    created_utc: str
    command: tuple[str, ...]
    tool: dict[str, Any]  # name, version, commit, dirty
    source_sha256: str  # of backbench's own source files, whatever git says
    packages: dict[str, str]  # everything that was installed
    environment: dict[str, str]  # variables that can change a number
    host: dict[str, Any]
    settings: dict[str, Any] = Field(default_factory=dict)  # what was allowed; places are not kept
    seeds: tuple[int, ...] = ()
    study: dict[str, Any] | None = None  # as it was resolved
    cells: tuple[dict[str, Any], ...] = ()  # cell_id, cell, skip: in the study's order
    inputs: dict[str, dict[str, Any]] = Field(default_factory=dict)  # cell_id → artefact, weights, dataset
    files: dict[str, str] = Field(default_factory=dict)
    records: dict[str, str] = Field(default_factory=dict)

    def sealed(self) -> Manifest:
        return self.model_copy(update={"manifest_id": self.content_hash()})

    def content_hash(self) -> str:
        content = self.model_dump(mode="json", exclude={"manifest_id"})
        return hashlib.sha256(canonical(content).encode()).hexdigest()


def write_manifest(folder: RunFolder, study: Study, planned: Sequence[Planned], settings: Settings) -> Manifest:
    """The manifest of a run that has ended; records of earlier runs in the same folder are sealed along."""
    records = read_all(folder)
    manifest = Manifest(
        kind="run",
        **circumstances(settings),
        seeds=tuple(sorted({plan.cell.seed for plan in planned})),
        study=study.model_dump(mode="json"),
        cells=tuple(
            {"cell_id": plan.cell.id, "cell": plan.cell.model_dump(mode="json"), "skip": plan.skip} for plan in planned
        ),
        inputs={record.cell_id: inputs_of(record) for record in records.values() if record.artefact},
        files={"study.json": file_sha256(folder.path / "study.json"), LOCK: write_lock(folder.path)},
        records={name: record.record_id for name, record in records.items()},
    )
    return write(folder.path, manifest)


def write_training_manifest(folder: Path, about: Mapping[str, Any], settings: Settings) -> Manifest:
    """The manifest of trained weights; `about` is their provenance."""
    manifest = Manifest(
        kind="training",
        **circumstances(settings),
        seeds=(int(about["seed"]),),
        inputs={
            "training": {"key": about["key"], "dataset": about["dataset"], "weights_sha256": about["weights_sha256"]}
        },
        files={"weights.safetensors": about["weights_sha256"], LOCK: write_lock(folder)},
    )
    return write(folder, manifest)


def circumstances(settings: Settings) -> dict[str, Any]:
    """What holds for everything that this process does."""
    return {
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command(sys.argv),
        "tool": tool(),
        "source_sha256": source_sha256(),
        "packages": installed().versions,
        "environment": variables(),
        "host": host(),
        "settings": settings.model_dump(mode="json", include=ALLOWED),
    }


def command(argv: Sequence[str]) -> tuple[str, ...]:
    """The command as a user types it: `python -m backbench` and the installed script are `backbench`."""
    program = Path(argv[0] if argv else "")
    own = program.stem == "backbench" or (program.name == "__main__.py" and program.parent.name == "backbench")
    return ("backbench" if own else program.name, *argv[1:])


def read_all(folder: RunFolder) -> dict[str, Record]:
    """File name → record, for every sound record of the folder."""
    paths = sorted((folder.path / "records").glob("[!.]*.json"))
    found = ((path.name, folder.read_record(path.stem)) for path in paths)
    return {name: record for name, record in found if record is not None}


def inputs_of(record: Record) -> dict[str, Any]:
    """What went in, by content."""
    dataset = record.inputs.get("dataset") or {}
    return {
        "artefact": (record.artefact or {}).get("id"),
        "weights": record.inputs.get("weights"),
        "dataset": {name: dataset.get(name) for name in ("name", "sha256")},
    }


def write_lock(folder: Path) -> str:
    """Writes the lock and returns its SHA-256."""
    text = lock_text(installed())
    write_atomically(folder / LOCK, text)
    return hashlib.sha256(text.encode()).hexdigest()


def write(folder: Path, manifest: Manifest) -> Manifest:
    sealed = manifest.sealed()
    write_atomically(folder / MANIFEST, sealed.model_dump_json(indent=1) + "\n")
    return sealed


def read_manifest(folder: Path) -> Manifest | None:
    """The folder's manifest, or None where there is none. Raises BackbenchError where it can't be trusted."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
        sound = manifest.content_hash() == manifest.manifest_id
    except (OSError, ValidationError, ValueError) as error:
        raise BackbenchError(f"{path}: no manifest, or cut off: {' '.join(str(error).split())[:200]}") from None
    if manifest.manifest_version != MANIFEST_VERSION:
        raise BackbenchError(
            f"{path}: manifest version {manifest.manifest_version}; this backbench reads {MANIFEST_VERSION}"
        )
    if not sound:
        raise BackbenchError(
            f"{path}: this manifest was changed after it was written (its content is not what its manifest_id says)"
        )
    return manifest


def environment_of(run: Path | None) -> tuple[Manifest, Installed]:
    """The manifest of a run with the lock beside it, or of this process. Raises UsageError, BackbenchError."""
    if run is None:
        here = Settings()
        return Manifest(kind="run", **circumstances(here)).sealed(), installed()
    manifest, lock = read_manifest(run), run / LOCK
    if manifest is None or not lock.is_file():
        raise UsageError(f"{run}: there is no {MANIFEST} with a {LOCK} beside it; a run writes both when it ends")
    if file_sha256(lock) != manifest.files.get(LOCK):
        raise BackbenchError(f"{lock}: changed after it was written; its SHA-256 is not the manifest's")
    return manifest, parse_lock(lock.read_text(encoding="utf-8"))


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
