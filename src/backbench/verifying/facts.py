"""What stands in the free fields of a record. They hold what their writer put there: a wrong kind counts as nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backbench.records.schema import Record


def part(data: object, key: str) -> dict[str, Any]:
    """The mapping at `key`, or an empty one."""
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def text(data: object, key: str) -> str | None:
    """The text at `key`, or None."""
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, str) else None


def training_of(record: Record) -> dict[str, Any]:
    """The provenance of the weights that a recipe trained."""
    return part(record.artefact, "training")


def dataset_of(record: Record) -> dict[str, Any]:
    return part(record.inputs, "dataset")


def files_of(record: Record) -> Iterator[tuple[str, str]]:
    """(name, SHA-256) of the artefact's files."""
    files = (record.artefact or {}).get("files")
    for file in files if isinstance(files, list) else ():
        name, sha256 = text(file, "name"), text(file, "sha256")
        if name and sha256:
            yield name, sha256
