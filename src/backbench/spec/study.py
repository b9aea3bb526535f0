"""A study: axes, fixed values and exclusions, expanded into ordered cells.

Everything is checked before anything runs, and every complaint is told at once. The study itself is inert: what a name
means is told by the `resolve` functions that `expand` is given (see `backbench.catalogue`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backbench.errors import BackbenchError, Skip, SpecError, UsageError, unknown
from backbench.registry import complaint
from backbench.spec.cell import Cell
from backbench.spec.where import matches, readable
from backbench.spec.yaml_size import written_out

CELL_FIELDS = tuple(Cell.model_fields)
PLAN_FIELDS = ("protocol",)  # stated under `fixed`, but of the study and not of the cell
PROTOCOLS = ("screen", "quick", "standard")  # the plans of `measuring.plan`, from the coarsest on
MAX_CELLS = 10_000

Resolve = Mapping[str, Callable[[Any], Any]]
"""For each field of a cell: from what the study says to what the cell holds. Raises UsageError."""


class Exclusion(BaseModel):
    """Cells that the study leaves out, and why: the reason stands in their records."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: dict[str, Any] = Field(min_length=1)
    reason: str = Field(min_length=1)


class Study(BaseModel):
    """What a study file says, unexpanded. `include`: the same once more with these fields' values in place of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")] = "study"
    fixed: dict[str, Any] = Field(default_factory=dict)
    axes: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    include: tuple[Annotated[dict[str, Any], Field(min_length=1)], ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    baseline: dict[str, Any] | None = None
    metrics: tuple[str, ...] | None = None
    budget: Annotated[float, Field(gt=0)] | None = None  # seconds of measuring, at most

    @property
    def protocol(self) -> str:
        return str(self.fixed.get("protocol", "quick"))


@dataclass(frozen=True)
class Planned:
    """A cell of the study; `skip` holds the reason where it will not be measured."""

    cell: Cell
    skip: str | None = None


def read_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """The study in a YAML file, with `dotted.key=value` overrides. Raises UsageError or SpecError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: the study can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: the study can't be read: it is not UTF-8 text") from None
    return parse_study(text, str(path), overrides)


def parse_study(text: str, source: str = "study", overrides: Sequence[str] = ()) -> Study:
    """The study in a YAML text. Raises UsageError or SpecError, whatever the text is."""
    try:
        data = written_out(yaml.load(text, Loader=UniqueKeys))
    except yaml.YAMLError as error:
        raise UsageError(f"{source}: this is not YAML: {' '.join(str(error).split())}") from None
    except (RecursionError, ValueError) as error:
        raise UsageError(f"{source}: this is not a study: {error}") from None
    if not isinstance(data, dict):
        raise UsageError(f"{source}: a study is a mapping with name, fixed, axes, …, not {type(data).__name__}")
    for override in overrides:
        data = overridden(data, override)
    return study_of(data, source)


def study_of(data: Mapping[str, Any], source: str = "study") -> Study:
    """The study in plain data. Raises SpecError with every complaint."""
    try:
        study = Study.model_validate(data)
    except ValidationError as error:
        raise SpecError(source, [complaint(item, list(Study.model_fields)) for item in error.errors()]) from None
    complaints = list(_misnamed(study))
    if complaints:
        raise SpecError(source, complaints)
    return study


def overridden(data: Mapping[str, Any], override: str) -> dict[str, Any]:
    """The data with one `dotted.key=value` replaced; the value is read as YAML."""
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"-o {override!r} is not dotted.key=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UsageError(f"-o {override!r}: {text!r} is not a YAML value") from None
    first, *rest = key.strip().split(".", 1)
    copy = dict(data)
    if not rest:
        copy[first] = value
        return copy
    inner = copy.get(first, {})
    if not isinstance(inner, dict):
        raise UsageError(f"-o {override!r}: {first!r} holds no keys")
    copy[first] = overridden(inner, f"{rest[0]}={text}")
    if first in ("fixed", "axes"):
        _keep_apart(copy, first, rest[0])
    return copy


def _keep_apart(data: dict[str, Any], place: str, name: str) -> None:
    """A value fixed by hand is no axis any more, and the other way round; and who names an axis's values asks for no
    others: what the study includes along it stays only where it has these.
    """
    axes, include, other = data.get("axes"), data.get("include"), "axes" if place == "fixed" else "fixed"
    if isinstance(axes, dict) and name in axes and isinstance(include, list):
        named = _listed(data[place][name])
        data["include"] = [entry for entry in include if _within(entry, name, named)]
    if isinstance(data.get(other), dict):
        data[other] = {key: kept for key, kept in data[other].items() if key != name}


def _within(entry: Any, name: str, named: list[Any]) -> bool:
    stated = _listed(entry[name]) if isinstance(entry, dict) and name in entry else []
    return all(value in named for value in stated)


def expand(study: Study, resolve: Resolve, source: str = "study") -> list[Planned]:
    """The study's cells in the order of its axes, then those it includes. Raises SpecError with every complaint.

    A combination that a part refuses (Skip) is planned with its reason, as an excluded one is: neither is lost.
    """
    complaints: list[str] = []
    grids = [
        {field: _resolved(field, values, resolve, complaints) for field, values in grid.items()}
        for grid in _grids(study)
    ]
    count = sum(prod(len(values) for values in grid.values()) for grid in grids)
    if count > MAX_CELLS:
        complaints.append(f"axes: {count} cells; at most {MAX_CELLS} are allowed in one study")
    if complaints:
        raise SpecError(source, complaints)
    planned = [
        _planned(dict(zip(grid, row, strict=True)), study, resolve) for grid in grids for row in product(*grid.values())
    ]
    repeated = len(planned) - len({plan.cell.id for plan in planned})
    if repeated:
        raise SpecError(source, [f"axes: {repeated} cells are named twice; name each value of an axis once"])
    return planned


def _grids(study: Study) -> list[dict[str, list[Any]]]:
    """The values of each field: of the study, then of each entry that it includes."""
    fixed = {field: [value] for field, value in study.fixed.items() if field not in PLAN_FIELDS}
    own = {**fixed, **study.axes}
    return [own, *({**own, **{field: _listed(value) for field, value in entry.items()}} for entry in study.include)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resolved(field: str, values: list[Any], resolve: Resolve, complaints: list[str]) -> list[Any]:
    found = []
    for value in values:
        try:
            found.append(resolve[field](value))
        except SpecError as error:
            complaints += [f"{field}: {value}: {item}" for item in error.complaints]
        except (BackbenchError, ValueError) as error:
            complaints.append(f"{field}: {error}")
    return found


def _planned(fields: dict[str, Any], study: Study, resolve: Resolve) -> Planned:
    cell = Cell.model_validate(fields)
    excluded = next((rule.reason for rule in study.exclude if matches(cell, rule.where)), None)
    if excluded:
        return Planned(cell, f"excluded by the study: {excluded}")
    try:
        return Planned(resolve["cell"](cell))
    except Skip as reason:
        return Planned(cell, str(reason))


def _misnamed(study: Study) -> list[str]:
    complaints = []
    for place, allowed in (("fixed", CELL_FIELDS + PLAN_FIELDS), ("axes", CELL_FIELDS)):
        names: Mapping[str, Any] = getattr(study, place)
        complaints += [unknown("field", str(name), allowed, place) for name in names if name not in allowed]
    complaints += [f"{name}: stands under both fixed and axes" for name in study.fixed if name in study.axes]
    if study.protocol not in PROTOCOLS:
        complaints.append(unknown("protocol", study.protocol, PROTOCOLS, "fixed.protocol"))
    for field in ("model", "dataset"):
        if field not in study.fixed and field not in study.axes:
            complaints.append(f"{field}: a study names at least one, under fixed or axes")
    for number, entry in enumerate(study.include):
        complaints += [
            unknown("field", name, CELL_FIELDS, f"include[{number}]") for name in entry if name not in CELL_FIELDS
        ]
        complaints += [f"include[{number}].{name}: an empty list means no cell" for name in entry if entry[name] == []]
    for number, rule in enumerate(study.exclude):
        complaints += readable(rule.where, f"exclude[{number}].where")
    return complaints + readable(study.baseline or {}, "baseline")


class UniqueKeys(yaml.SafeLoader):
    """YAML without the trap of a key that is given twice, the first silently lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a study file, for editors; it ships with the package."""
    schema = Study.model_json_schema()
    fields = Cell.model_json_schema()["properties"]
    text: dict[str, Literal["string"]] = {"type": "string"}
    one = {
        name: text if name in ("model", "dataset", "runtime", "technique", "recipe") else form
        for name, form in fields.items()
    }
    one["input"] = {"type": "string", "pattern": r"^\d+x\d+x\d+x\d+$"}
    schema["properties"]["fixed"]["properties"] = {**one, "protocol": {"enum": list(PROTOCOLS)}}
    schema["properties"]["fixed"]["additionalProperties"] = False
    schema["properties"]["axes"]["properties"] = {
        name: {"type": "array", "minItems": 1, "items": form} for name, form in one.items()
    }
    schema["properties"]["axes"]["additionalProperties"] = False
    schema["properties"]["include"]["items"] = {
        "type": "object",
        "minProperties": 1,
        "properties": {
            name: {"anyOf": [form, {"type": "null"}, {"type": "array", "minItems": 1, "items": form}]}
            for name, form in one.items()
        },
        "additionalProperties": False,
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
