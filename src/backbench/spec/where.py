"""`where: {technique: quantize_static, runtime: eager}`: which cells a baseline or an exclusion means.

A part matches by its name and by the options that are stated; a chain matches where it holds such a part, or where the
whole text is equal; `none` is the empty chain. Anything else matches by its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backbench.errors import UsageError
from backbench.spec.cell import Cell
from backbench.spec.choice import Choice, parse_chain

FIELDS = tuple(Cell.model_fields)


def matches(cell: Cell, where: Mapping[str, Any]) -> bool:
    """Whether every stated field of the cell is as stated."""
    return all(_equal(getattr(cell, field), wanted) for field, wanted in where.items())


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, Choice):
        return _means(value, Choice.model_validate(wanted))
    if isinstance(value, tuple) and all(isinstance(part, Choice) for part in value):
        return _chain_means(value, parse_chain(wanted))
    return bool(value == wanted)


def _chain_means(chain: tuple[Choice, ...], wanted: tuple[Choice, ...]) -> bool:
    if not wanted or not chain:
        return chain == wanted
    return all(any(_means(part, other) for part in chain) for other in wanted)


def _means(choice: Choice, wanted: Choice) -> bool:
    return choice.name == wanted.name and wanted.options.items() <= choice.options.items()


def readable(where: Mapping[str, Any], place: str) -> list[str]:
    """What is wrong with a `where`, if anything."""
    complaints = []
    for field, wanted in where.items():
        if field not in FIELDS:
            complaints.append(f"{place}: unknown field {field!r}; allowed: {', '.join(FIELDS)}")
            continue
        try:
            parse_chain(wanted) if field == "technique" else _read(field, wanted)
        except (UsageError, ValueError):
            complaints.append(f"{place}.{field}: {wanted!r} is not a {field}")
    return complaints


def _read(field: str, wanted: Any) -> None:
    if field in ("model", "dataset", "runtime"):
        Choice.model_validate(wanted)
