"""`where: {technique: quantize_static, runtime: eager}`: which cells a baseline or an exclusion means.

A part matches by its name and by the options that are stated; a chain matches where it holds such a part, or where the
whole text is equal; `none` is the empty chain. Anything else matches by its value. A list means any of its values.
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
    if isinstance(wanted, list):
        return any(_equal(value, one) for one in wanted)
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
        if wanted == []:
            complaints.append(f"{place}.{field}: an empty list means no cell")
        for one in wanted if isinstance(wanted, list) else [wanted]:
            try:
                parse_chain(one) if field == "technique" else _read(field, one)
            except (UsageError, ValueError):
                complaints.append(f"{place}.{field}: {one!r} is not a {field}")
    return complaints


def _read(field: str, wanted: Any) -> None:
    if field in ("model", "dataset", "runtime"):
        Choice.model_validate(wanted)
