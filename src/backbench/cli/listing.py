"""`backbench list`: what is registered, and what of it is usable here."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from backbench.cli.options import Json


class Kind(StrEnum):
    models = "models"
    datasets = "datasets"
    techniques = "techniques"
    runtimes = "runtimes"
    metrics = "metrics"
    recipes = "recipes"
    published = "published"


def listing(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    all_names: Annotated[bool, typer.Option("--all", help="Models: timm's and torchvision's names too.")] = False,
    as_json: Json = False,
) -> None:
    """List the registered parts of a kind, their options, and why one can't be used here."""
    found = APART[kind]() if kind in APART else parts(kind)
    if kind is Kind.models and all_names:
        from backbench.models.build import names

        found |= {name: {"options": {}, "missing": None, "about": ""} for name in names(all=True) if name not in found}
    if as_json:
        typer.echo(json.dumps(found, indent=1, default=str))
        return
    for name, about in found.items():
        options = ", ".join(f"{key}={value}" for key, value in about["options"].items())
        state = f"  [not here: {about['missing']}]" if about["missing"] else ""
        typer.echo(f"{name:<24} {about['about']}" + (f"  ({options})" if options else "") + state)


def parts(kind: Kind) -> dict[str, dict[str, Any]]:
    """For each part its first line, its options with defaults, and why it can't be used here."""
    from backbench.catalogue import REGISTRIES
    from backbench.errors import MissingDependency

    found: dict[str, dict[str, Any]] = {}
    for name in REGISTRIES[kind.value].names():
        try:
            part = REGISTRIES[kind.value].get(name)
        except MissingDependency as error:
            found[name] = {"about": "", "options": {}, "missing": str(error)}
            continue
        fields = {
            key: "(must be said)" if field.is_required() else field.get_default(call_default_factory=True)
            for key, field in part.model_fields.items()
        }
        about = (part.__doc__ or "").strip().splitlines()
        found[name] = {"about": about[0] if about else "", "options": fields, "missing": part.missing()}
    return found


def recipes() -> dict[str, dict[str, Any]]:
    from backbench.training.recipe import load_recipe, names

    return {name: {"about": load_recipe(name).description, "options": {}, "missing": None} for name in names()}


def published() -> dict[str, dict[str, Any]]:
    """The documents whose tables ship with the package."""
    from backbench.report.published.document import load, names

    found = {}
    for name in names():
        document = load(name)
        tables = {table.name: f"{len(table.rows)} rows" for table in document.tables}
        found[name] = {"about": document.title, "options": tables, "missing": None}
    return found


APART = {Kind.recipes: recipes, Kind.published: published}  # what is no part with options
