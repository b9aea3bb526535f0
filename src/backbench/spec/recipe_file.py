"""Recipes as files: those that ship with a package, by name, and a user's own YAML, by path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from backbench.errors import SpecError, UnknownName, UsageError
from backbench.spec.yaml_size import written_out


class RecipeText(NamedTuple):
    """A recipe as it was read; `source` is what the user called it."""

    text: str
    name: str
    source: str


class Shelf:
    """The folder `recipes` of a package."""

    def __init__(self, package: str) -> None:
        self.package = package

    def names(self) -> list[str]:
        """The recipes that ship with the package."""
        found = (entry.name for entry in self.folder().iterdir())
        return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))

    def folder(self) -> Any:
        return resources.files(self.package) / "recipes"

    def read(self, name_or_path: str) -> RecipeText:
        """A shipped recipe by name, or a YAML file by path. Raises UnknownName or UsageError."""
        if name_or_path in self.names():
            shipped = self.folder() / f"{name_or_path}.yaml"
            return RecipeText(shipped.read_text(encoding="utf-8"), name_or_path, name_or_path)
        path = Path(name_or_path)
        if path.suffix not in (".yaml", ".yml"):
            raise UnknownName("recipe", name_or_path, self.names())
        try:
            return RecipeText(path.read_text(encoding="utf-8"), path.stem, name_or_path)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"recipe {name_or_path!r} can't be read: {error}") from None


def fields_of(text: str, place: str) -> dict[str, Any]:
    """The mapping of fields in this YAML text. Raises SpecError, which names the place."""
    try:
        data = written_out(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SpecError(place, [f"no YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(data, dict):
        raise SpecError(place, ["a recipe is a YAML mapping of fields"])
    return data
