"""Finished trainings carried from one cache to another: into a folder that a repository keeps, and back.

DIR/<key>/ holds what <cache>/trained/<key>/ holds of a finished training. Weights that are too large to be carried stay
behind; their provenance goes along, with their checksum.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from backbench.errors import DataError
from backbench.models.weights import sha256
from backbench.spec.cell import digest
from backbench.training.store import alone

PROVENANCE, WEIGHTS = "training.json", "weights.safetensors"


def carry_out(cache: Path, to: Path, largest: int) -> list[tuple[Path, bool]]:
    """Copies every finished training of the cache into `to`; (its folder, whether its weights went along)."""
    carried = []
    for folder in finished_in(cache / "trained"):
        weights = folder / WEIGHTS
        along = weights.exists() and weights.stat().st_size <= largest
        target = to / folder.name
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith(".") and (along or path.name != WEIGHTS):
                shutil.copyfile(path, target / path.name)
        carried.append((target, along))
    return carried


def carry_in(source: Path, cache: Path) -> list[tuple[Path, str]]:
    """Copies the trainings of `source` into the cache; (its folder, "added", "there already" or "without its weights").

    Raises DataError where weights are not those that their provenance names, or stand under another training's key.
    """
    found = finished_in(source)
    for folder in found:
        refuse_other(folder)
    return [(folder, add(folder, cache / "trained" / folder.name)) for folder in found]


def add(folder: Path, target: Path) -> str:
    if not (folder / WEIGHTS).exists():
        return "without its weights"
    target.mkdir(parents=True, exist_ok=True)
    with alone(target):
        if (target / PROVENANCE).exists():
            return "there already"
        for path in sorted(
            folder.iterdir(), key=lambda path: path.name == PROVENANCE
        ):  # which says that it is finished
            shutil.copyfile(path, target / path.name)
    return "added"


def refuse_other(folder: Path) -> None:
    try:
        about: dict[str, Any] = json.loads((folder / PROVENANCE).read_text())
        key, expected = about["key"], about["weights_sha256"]
    except (ValueError, KeyError) as error:
        raise DataError(f"{folder / PROVENANCE}: this is no provenance of a training") from error
    if digest(key) != folder.name:
        raise DataError(f"{folder}: its training.json is that of {digest(key)}")
    weights = folder / WEIGHTS
    if weights.exists() and sha256(weights) != expected:
        raise DataError(f"{weights}: these are not the weights that its training.json names")


def finished_in(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"*/{PROVENANCE}"))
