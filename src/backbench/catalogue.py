"""Every kind of part, its names, and how what a study says of it is checked and completed.

The one place that knows all registries: `backbench list` prints them, `backbench.spec.study.expand` asks `resolve`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from backbench import data, measuring, models, runtimes, techniques
from backbench.data import check_dataset
from backbench.errors import Skip, UsageError
from backbench.models.build import check_model
from backbench.registry import Registry, complaint
from backbench.runtimes.runtime import Runtime
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.spec.choice import Choice, parse_chain
from backbench.spec.study import Resolve
from backbench.spec.weights_file import weights_file
from backbench.techniques.chain import checked_chain, resolve_chain
from backbench.training import recipe as recipes

REGISTRIES: dict[str, Registry[Any]] = {
    "models": models.REGISTRY,
    "datasets": data.REGISTRY,
    "techniques": techniques.REGISTRY,
    "runtimes": runtimes.REGISTRY,
    "metrics": measuring.REGISTRY,
}


def resolve(settings: Settings) -> Resolve:
    """For each field of a cell: what the study says → what the cell holds, checked, with all defaults."""
    fields: dict[str, Callable[[Any], Any]] = {name: _plain(name) for name in Cell.model_fields}
    fields |= {
        "dataset": lambda value: _dataset(value, settings),
        "threads": _threads,
        "runtime": lambda value: runtimes.REGISTRY.resolve(Choice.model_validate(value)),
        "cell": _usable_cell,
    }
    if settings.artefact is not None:  # how the file was made is its own affair, and need not be possible here
        return fields
    made = {"model": _model, "weights": _weights, "recipe": _recipe, "technique": _technique, "cell": _cell}
    return fields | made


def usable(name: str) -> str | None:
    """Why a runtime can't be used here, or None."""
    return runtimes.REGISTRY.get(name).missing()


def runtime_of(cell: Cell) -> Runtime:
    return runtimes.REGISTRY.build(cell.runtime)


def _plain(field: str) -> Callable[[Any], Any]:
    """The cell's own check of a field that needs no registry."""

    def check(value: Any) -> Any:
        try:
            return getattr(Cell.model_validate({"model": "x", "dataset": "x", field: value}), field)
        except ValidationError as error:
            raise UsageError("; ".join(complaint(item, []) for item in error.errors())) from None

    return check


def _model(value: Any) -> Choice:
    choice = Choice.model_validate(value)
    check_model(choice)
    if choice.name in models.REGISTRY:
        return models.REGISTRY.resolve(choice)
    return choice


def _weights(value: Any) -> str | None:
    text = None if value is None else str(value)
    weights_file(text)
    return text


def _dataset(value: Any, settings: Settings) -> Choice:
    choice = Choice.model_validate(value)
    check_dataset(choice, settings)
    return data.REGISTRY.resolve(choice) if choice.name in data.REGISTRY else choice


def _recipe(value: Any) -> str | None:
    if value is None or value == "none":
        return None
    recipes.load_recipe(str(value))
    return str(value)


def _threads(value: Any) -> int:
    threads: int = _plain("threads")(value)
    have = os.cpu_count() or 1
    if threads > have:
        raise UsageError(f"threads: {threads} is more than this machine's {have} processors")
    return threads


def _technique(value: Any) -> tuple[Choice, ...]:
    return checked_chain(parse_chain(value))


def _usable_cell(cell: Cell) -> Cell:
    """Raises Skip where its runtime can't be used here."""
    missing = usable(cell.runtime.name)
    if missing:
        raise Skip(missing)
    return cell


def _cell(cell: Cell) -> Cell:
    """The cell with its routes written down. Raises Skip where this combination is impossible here."""
    _usable_cell(cell)
    try:
        chain = resolve_chain(cell.technique, cell.runtime.name)
    except UsageError as error:
        raise Skip(str(error)) from None
    return Cell(**{**dict(cell), "technique": chain})  # a copy would carry a cached id along
