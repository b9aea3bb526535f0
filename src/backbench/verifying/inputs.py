"""What the records say that went in, held against what lies here: artefacts, weights and recipes (and `datasets`).

What is not on this machine is no fault and said so: where cells are measured again it is made again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from os.path import isfile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.store import artefact_folder, sha256, verify
from backbench.assemble import facts
from backbench.errors import BackbenchError
from backbench.records.schema import Record
from backbench.settings import Settings
from backbench.spec.cell import canonical, digest
from backbench.spec.weights_file import WITHOUT_FILE
from backbench.training.recipe import Recipe, load_recipe, names
from backbench.verifying.datasets import datasets
from backbench.verifying.facts import files_of, part, text, training_of
from backbench.verifying.finding import Finding


def check_inputs(records: Sequence[Record], settings: Settings) -> list[Finding]:
    """One finding a distinct artefact, weights file, recipe file and dataset of the measured cells."""
    measured = [record for record in records if record.status == "ok" and record.artefact]
    return [
        *artefacts(measured, settings),
        *weights(measured, settings),
        *recipes(measured),
        *datasets(measured, settings),
    ]


def artefacts(records: Sequence[Record], settings: Settings) -> list[Finding]:
    by_id = {str(text(record.artefact, "id")): record for record in records}
    return [check_artefact(name, record, settings.cache) for name, record in by_id.items()]


def check_artefact(name: str, record: Record, cache: Path) -> Finding:
    """The cached artefact's files against their hashes in the artefact and in the record."""
    folder = artefact_folder(cache, name)
    label = f"{name} ({record.cell.label})"
    if not re.fullmatch(r"[0-9a-f]{16}", name) or not (folder / "artefact.json").is_file():
        return Finding(
            "artefact", label, "not checked", "not in this cache; it is made again when the cell is measured"
        )
    try:
        artefact = Artefact.open(folder)
    except (ValidationError, ValueError) as error:
        return Finding("artefact", label, "fail", f"{folder / 'artefact.json'}: malformed: {str(error)[:120]}")
    faults = [*verify(artefact), *other_files(artefact, record), *other_facts(artefact, record)]
    if faults:
        return Finding("artefact", label, "fail", "; ".join(faults))
    return Finding("artefact", label, "pass", f"{len(artefact.files)} files as the record has them")


def other_files(artefact: Artefact, record: Record) -> list[str]:
    """Files that are whole, and not the ones that the record was measured on."""
    there = {file.name: file.sha256 for file in artefact.files}
    return [
        f"{artefact.folder / name}: not the file that was measured (SHA-256 {str(there.get(name))[:16]}…, the record has"
        f" {expected[:16]}…)"
        for name, expected in files_of(record)
        if there.get(name) != expected
    ]


def other_facts(artefact: Artefact, record: Record) -> list[str]:
    """What the artefact says of itself otherwise than the record. How long its training took may differ."""
    here = {**facts(artefact), "preprocessing": artefact.preprocessing.model_dump(mode="json")}
    then = {**(record.artefact or {}), "preprocessing": part(record.inputs, "preprocessing")}
    differ = sorted(
        key for key in here.keys() - {"training", "files"} if canonical(here[key]) != canonical(then.get(key))
    )
    return (
        [f"{artefact.folder / 'artefact.json'}: says otherwise than the record: {', '.join(differ)}"] if differ else []
    )


def weights(records: Sequence[Record], settings: Settings) -> list[Finding]:
    """The files of trained and of given weights; published and random ones stand in the artefact alone."""
    places = {place: record for record in records for place in weight_files(record, settings)}
    return [check_weights(path, expected) for path, expected in places]


def weight_files(record: Record, settings: Settings) -> Iterator[tuple[Path, str]]:
    key = part(training_of(record), "key")
    if key:
        trained = settings.cache / "trained" / digest(key) / "weights.safetensors"
        yield trained, str(text(training_of(record), "weights_sha256"))
    elif record.cell.weights not in WITHOUT_FILE:
        yield given_file(str(record.cell.weights)), str(text(part(record.inputs, "weights"), "sha256"))


def given_file(weights: str) -> Path:
    """The path in what a cell says of its weights, whether a file is there or not."""
    head, _, options = weights.rpartition(":")
    return Path(head if "=" in options and not isfile(weights) else weights)


def check_weights(path: Path, expected: str) -> Finding:
    if not isfile(path):  # pathlib's raises where a name is too long to be one
        return Finding("weights", str(path), "not checked", "not on this machine")
    found = sha256(path)
    if found != expected:
        detail = f"not the weights that were measured (SHA-256 {found[:16]}…, the record has {expected[:16]}…)"
        return Finding("weights", str(path), "fail", detail)
    return Finding("weights", str(path), "pass", f"SHA-256 {found[:16]}…")


def recipes(records: Sequence[Record]) -> list[Finding]:
    """Recipe files of the user: shipped ones are part of backbench's own code."""
    own = {
        str(record.cell.recipe): record
        for record in records
        if record.cell.recipe and record.cell.recipe not in names()
    }
    return [check_recipe(name, training_of(record).get("recipe")) for name, record in own.items()]


def check_recipe(name: str, known: Any) -> Finding:
    """The recipe file against the recipe that stands in the record."""
    if not isfile(name):
        return Finding("recipe", name, "not checked", "not on this machine; the record holds what it said")
    try:
        asked, here = Recipe.model_validate(known).identity(), load_recipe(name).identity()
    except (ValidationError, BackbenchError) as error:
        return Finding(
            "recipe", name, "fail", f"can't be read as the record's recipe: {' '.join(str(error).split())[:160]}"
        )
    differ = sorted(key for key in asked.keys() | here.keys() if asked.get(key) != here.get(key))
    if differ:
        return Finding(
            "recipe", name, "fail", f"not the recipe that the weights were trained with: {', '.join(differ)} differ"
        )
    return Finding("recipe", name, "pass", "says what the record's recipe says")
