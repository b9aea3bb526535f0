"""Names to parts. Built-ins come in through the same door as other people's packages.

A part is named by text, `"package.module:attribute"`, and imported when it is asked for: `backbench list`
and the checking of a study load no torch. A package of one's own registers parts with entry points in the group
that the registry names (`backbench.runtimes`, `backbench.techniques`, …).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from backbench.errors import MissingDependency, SpecError, UnknownName, unknown
from backbench.spec.choice import Choice

T = TypeVar("T", bound="Part")


class Part(BaseModel):
    """A part with options: a frozen model, so that its options are data, checked and hashable.

    Part modules import heavy libraries inside their methods only. A part that can't work
    on this machine says so in `missing()`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def missing(cls) -> str | None:
        """Why this part can't be used here (a sentence with what to install), or None."""
        return None


class Registry(Generic[T]):
    """One kind of part: its built-ins and what entry points add."""

    def __init__(self, kind: str, builtins: Mapping[str, str]) -> None:
        self.kind = kind
        self._builtins = dict(builtins)

    @cached_property
    def _paths(self) -> dict[str, str]:
        added = {entry.name: entry.value for entry in entry_points(group=f"backbench.{self.kind}s")}
        return {**added, **self._builtins}

    def names(self) -> list[str]:
        return sorted(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def get(self, name: str) -> type[T]:
        """The part's class. Raises UnknownName, or MissingDependency where its import needs one."""
        if name not in self._paths:
            raise UnknownName(self.kind, name, self.names())
        return cast("type[T]", load(self._paths[name]))

    def build(self, choice: Choice, where: str = "") -> T:
        """The part with its options checked. Raises SpecError with one complaint per bad option."""
        part = self.get(choice.name)
        try:
            return part(**choice.options)
        except ValidationError as error:
            place = where or f"{self.kind} {choice.name!r}"
            allowed = list(part.model_fields)
            raise SpecError(place, [complaint(item, allowed) for item in error.errors()]) from None

    def resolve(self, choice: Choice, where: str = "") -> Choice:
        """The same choice with every default filled in."""
        return Choice(name=choice.name, options=self.build(choice, where).model_dump(mode="json"))


def load(path: str) -> Any:
    """The object at `package.module:attribute`."""
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


def complaint(error: Mapping[str, Any], allowed: list[str]) -> str:
    """One pydantic error as one sentence that names the field and the nearest match."""
    field = ".".join(str(step) for step in error["loc"]) or "value"
    if error["type"] == "extra_forbidden":
        return unknown("option", field, allowed)
    given = f" (given {error['input']!r})" if error["type"] != "missing" else ""
    return f"option {field!r}: {error['msg'][0].lower()}{error['msg'][1:]}{given}"


def require(part: str, package: str, extra: str, load_it: Callable[[], Any] | None = None) -> Any:
    """The package, imported; raises MissingDependency with what to install."""
    try:
        return load_it() if load_it else import_module(package)
    except ImportError as error:
        raise MissingDependency(part, package, extra) from error
