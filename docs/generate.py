"""Writes the reference pages and schemas from what they describe: registries, command line, protocols, models.

Run as `python docs/generate.py` (or `make docs`). A test compares the committed pages with what this writes.
"""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from typer.core import TyperCommand, TyperGroup, TyperOption

from backbench.catalogue import REGISTRIES
from backbench.cli import app
from backbench.measuring.gate import TABLE
from backbench.measuring.plan import PLANS
from backbench.records.schema import Record
from backbench.registry import Part, Registry
from backbench.spec.study import json_schema
from backbench.training import recipe as recipes

DOCS = Path(__file__).parent
SCHEMAS = DOCS.parent / "src" / "backbench" / "schemas"  # these ship with the package
NOTICE = "<!-- Written by docs/generate.py; `make docs` writes it again. -->"
GRAMMAR = (
    "A part is named as `name:option=value,option=value`; techniques are chained with `+`. What is left out has its"
    " default, and the default is written into the record. `backbench list KIND` prints the names, those of installed"
    " extensions included."
)
EXIT_CODES = (
    "Exit codes: 0 all is well; 1 a cell failed or a gate was missed; 2 bad input: wrong usage, or a file that is not"
    " what it should be; 3 can't tell, where a verdict was asked for; 130 interrupted, and the same command continues."
)
PROTOCOLS = (
    "Every value of the plan that was followed stands in the record. What each means is told in [method](method.md)."
)
GATE = (
    "A runtime's outputs against eager fp32. Errors are shares of the reference's largest absolute logit; where the"
    " head was never trained, the arg-max does not count. Rows called routed hold for networks whose path depends on"
    " their input."
)
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def parts_page() -> str:
    """Every registered part with its options."""
    head = ["# Parts", NOTICE, GRAMMAR]
    sections = [section for kind, registry in REGISTRIES.items() for section in kind_sections(kind, registry)]
    return page([*head, *sections, "## Recipes", *(part for name in recipes.names() for part in recipe_sections(name))])


def kind_sections(kind: str, registry: Registry[Any]) -> Iterator[str]:
    yield f"## {kind.capitalize()}"
    for name in registry.names():
        part = registry.get(name)
        yield f"### {name}"
        yield prose(part)
        if part.model_fields:
            yield options_table(part)


def recipe_sections(name: str) -> Iterator[str]:
    """What a shipped recipe says, defaults left out; `reached` holds measured results only."""
    recipe = recipes.load_recipe(name)
    yield f"### {name}"
    yield recipe.description
    said = recipe.model_dump(mode="json", exclude_defaults=True, exclude={"name", "description", "expected", "reached"})
    yield "\n".join(["| field | value |", "|---|---|", *(f"| `{key}` | `{value}` |" for key, value in said.items())])
    if recipe.expected:
        yield "Expected: " + "; ".join(f"{machine}: {time}" for machine, time in recipe.expected.items()) + "."
    for result in recipe.reached:
        low, high = result.interval
        yield (
            f"Reached: {result.model} on {result.dataset}, seed {result.seed}: test {result.test:.2%}"
            f" [{low:.2%}, {high:.2%}] (n = {result.n}) in {result.seconds / 60:.0f} minutes on {result.machine}."
        )


def prose(part: type[Part]) -> str:
    """The docstring of the class, or of the nearest one that it inherits from, without the lines' ends."""
    text = next((inspect.cleandoc(base.__doc__) for base in part.__mro__ if base.__doc__), "")
    return "\n\n".join(" ".join(block.split()) for block in text.split("\n\n"))


def options_table(part: type[Part]) -> str:
    rows = [f"| `{name}` | {values(field)} | {default(field)} |" for name, field in part.model_fields.items()]
    return "\n".join(["| option | values | default |", "|---|---|---|", *rows])


def values(field: FieldInfo) -> str:
    """`integer ≥ 1`, `minmax or entropy`, …"""
    bounds = [f"{SIGNS[sign]} {bound:g}" for item in field.metadata for sign, bound in bounds_of(item)]
    return " ".join([form(field.annotation), *bounds])


def bounds_of(item: Any) -> Iterator[tuple[str, float]]:
    return ((sign, value) for sign in SIGNS if (value := getattr(item, sign, None)) is not None)


def form(annotation: Any) -> str:
    names = {bool: "true or false", int: "integer", float: "number", str: "text", type(None): "null", Path: "path"}
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if annotation in names:
        return names[annotation]
    inner = [form(part) for part in get_args(annotation) if part is not Ellipsis and not bounded(part)]
    if get_origin(annotation) in (tuple, list):
        return f"list of {inner[0]}" if inner else "list"
    return " or ".join(dict.fromkeys(inner)) or str(annotation)


def bounded(argument: Any) -> bool:
    """Whether an argument of `Annotated` is a bound and no type."""
    return not isinstance(argument, type) and get_origin(argument) is None


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    return "null" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def commands_page() -> str:
    """Every command with its arguments and options."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    head = ["# Commands", NOTICE, EXIT_CODES]
    return page([*head, *(part for found in commands(group, "backbench") for part in command_sections(*found))])


def commands(group: TyperGroup, prefix: str) -> Iterator[tuple[str, TyperCommand]]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def command_sections(name: str, command: TyperCommand) -> Iterator[str]:
    yield f"## {name}"
    yield " ".join((command.help or "").split())
    rows = [parameter_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        yield "\n".join(["| argument or option | default | what |", "|---|---|---|", *rows])


def parameter_row(parameter: Any) -> str:
    if isinstance(parameter, TyperOption):
        shown = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
        text = " ".join((parameter.help or "").split())
    else:
        shown = f"`{parameter.metavar or parameter.name.upper()}`"
        text = " ".join((getattr(parameter, "help", None) or "").split())
    value = parameter.default
    given = "" if value is None or value in ((), [], False) or callable(value) else f"`{value}`"
    return f"| {shown} | {given} | {text.replace('|', chr(92) + '|')} |"


def protocols_page() -> str:
    """Every value of each protocol, side by side, and the gate's tolerances."""
    tables = [plan.model_dump(mode="json") for plan in PLANS.values()]
    rows = [
        f"| `{name}` | {' | '.join(str(table[name]) for table in tables)} |" for name in tables[0] if name != "name"
    ]
    head = [f"| | {' | '.join(PLANS)} |", "|---|" + "---|" * len(tables)]
    gates = [
        f"| {name} | {row.agreement:.0%} | {'any' if row.max_error == math.inf else row.max_error} | {row.cosine:g} |"
        for name, row in TABLE.items()
    ]
    gate = ["| row | least equal arg-max | largest error | least cosine |", "|---|---|---|---|", *gates]
    return page(["# Protocols", NOTICE, PROTOCOLS, "\n".join([*head, *rows]), "## The gate", GATE, "\n".join(gate)])


def page(parts: list[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def schema(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


PAGES: dict[Path, Callable[[], str]] = {
    DOCS / "commands.md": commands_page,
    DOCS / "parts.md": parts_page,
    DOCS / "protocols.md": protocols_page,
    SCHEMAS / "study.schema.json": lambda: schema(json_schema()),
    SCHEMAS / "record.schema.json": lambda: schema(Record.model_json_schema()),
}


def main(folder: Path | None = None) -> None:
    """Writes each page to its place, or all of them into `folder`."""
    for place, write in PAGES.items():
        (folder / place.name if folder else place).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
