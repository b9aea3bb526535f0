"""Cells of records, measured again from what the records say: the same specification, plan and options.

They go through the flow's own steps, in fresh processes and interleaved rounds. An artefact that is in the cache is
used; another one is prepared again.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os.path import isfile
from pathlib import Path

import yaml
from pydantic import ValidationError

from backbench.catalogue import resolve
from backbench.errors import BackbenchError, UsageError
from backbench.execute.local import LocalExecutor
from backbench.measuring.plan import Plan
from backbench.pipeline import Progress, Run, measure_all, prepare_all
from backbench.records.schema import Record
from backbench.records.store import RunFolder
from backbench.settings import Settings
from backbench.spec.cell import canonical, digest
from backbench.spec.study import Planned, Study, expand, study_of
from backbench.training.recipe import Recipe, names
from backbench.verifying.facts import part, training_of

Tell = Callable[[Progress], None]


def chosen(records: Sequence[Record], count: int) -> list[Record]:
    """`count` measured cells. The draw follows from the records' ids: nobody chose which cells are looked at again."""
    measured = sorted((record for record in records if record.status == "ok"), key=lambda record: record.record_id)
    seed = digest([record.record_id for record in measured])
    return random.Random(seed).sample(measured, min(count, len(measured)))


def plan_again(record: Record, settings: Settings) -> Planned:
    """The record's cell, checked as a study's is. Raises UsageError where it can't be specified or run here."""
    plan_of(record)
    study = study_of({"name": "again", "fixed": record.cell.model_dump(mode="json")}, record.cell_id)
    planned = expand(study, resolve(settings), record.cell_id)[0]
    if planned.cell.id != record.cell_id:
        raise UsageError(
            f"{record.cell_id}: this backbench specifies the cell differently (as {planned.cell.id}); "
            f"the record was written by version {record.tool.get('version')}"
        )
    return planned


def plan_of(record: Record) -> Plan:
    """The protocol that was followed, value by value. Raises UsageError where it is none."""
    try:
        return Plan.model_validate(record.protocol)
    except ValidationError as error:
        raise UsageError(
            f"{record.cell_id}: its protocol is none of this backbench's: {error.errors()[0]['msg']}"
        ) from None


def measure_again(
    records: Sequence[Record], out: Path, settings: Settings, tell: Tell, metrics: tuple[str, ...] | None
) -> dict[str, Record]:
    """cell_id → its new record, written into `out`. Raises UsageError before anything runs."""
    allowed = settings_like(records, settings)
    with workplace(records), LocalExecutor() as executor:
        planned = {record.cell_id: plan_again(record, allowed) for record in records}
        found: dict[str, Record] = {}
        for place, group in enumerate(by_plan(records)):
            folder = RunFolder(out if place == 0 else out / f"plan-{place}")
            folder.create()
            study = Study(name="again", metrics=metrics)
            with folder.lock(lambda: tell(Progress("wait", f"another run is writing to {out}"))):
                folder.write_study(study.model_dump(mode="json"))
                run = Run(study, folder, allowed, plan_of(group[0]), executor, tell)
                prepare_all(run, [planned[record.cell_id] for record in group])
                measure_all(run)
            read = (folder.read_record(record.cell_id) for record in group)
            found |= {record.cell_id: record for record in read if record is not None}
    return found


def by_plan(records: Sequence[Record]) -> list[list[Record]]:
    """Records of one protocol are measured side by side."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(canonical(record.protocol), []).append(record)
    return list(groups.values())


def settings_like(records: Sequence[Record], settings: Settings) -> Settings:
    """The settings, with what the records show was allowed."""
    untrained = any(
        record.predictions is not None and (record.artefact or {}).get("trained") is False for record in records
    )
    repeats = any(training_of(record).get("deterministic") for record in records)
    bounds = [bound for record in records if isinstance(bound := bound_of(record), int)]
    return settings.model_copy(
        update={
            "allow_untrained": settings.allow_untrained or untrained,
            "deterministic": settings.deterministic or repeats,
            "max_memory": max(bounds, default=settings.max_memory),
        }
    )


def bound_of(record: Record) -> object:
    """Bytes that the training was allowed: they decide how batches are split, and so the weights."""
    return part(training_of(record), "key").get("max_memory")


@contextmanager
def workplace(records: Sequence[Record]) -> Iterator[None]:
    """The current directory; where a record's recipe file is not in it, a scratch one that has everything of it and the
    recipes, written from the records. A cell names its recipe file by its path, so it must stand under that name.
    """
    missing = {str(record.cell.recipe): recipe_of(record) for record in records if lost(record.cell.recipe)}
    if not missing:
        yield
        return
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="backbench-") as scratch:
        for entry in here.iterdir():
            (Path(scratch) / entry.name).symlink_to(entry)
        for name, recipe in missing.items():
            write_recipe(Path(scratch), name, recipe)
        os.chdir(scratch)
        try:
            yield
        finally:
            os.chdir(here)


def lost(recipe: str | None) -> bool:
    return recipe is not None and recipe not in names() and not isfile(recipe)


def recipe_of(record: Record) -> Recipe:
    """Raises UsageError where the record does not hold its recipe."""
    try:
        return Recipe.model_validate(training_of(record)["recipe"])
    except (KeyError, ValueError):
        raise UsageError(
            f"{record.cell_id}: there is no recipe file {record.cell.recipe}, and the record holds none"
        ) from None


def write_recipe(scratch: Path, name: str, recipe: Recipe) -> None:
    """Never outside of the scratch folder, nor through its links into the user's own."""
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts or (scratch / parts[0]).exists():
        raise BackbenchError(
            f"the recipe file {name} is not here and can't be written there; the record holds it: put it there by hand"
        )
    path = scratch / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json", exclude={"name"})), encoding="utf-8")
