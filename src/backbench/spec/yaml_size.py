"""How much a YAML text means when its aliases are written out: ten lines can mean billions of values.

A safe loader makes no objects, and still shares what is aliased: whoever prints or copies such data pays for all of it.
"""

from __future__ import annotations

from typing import Any

LARGEST = 100_000  # values; the largest study names 10,000 cells by far fewer


def written_out(data: Any) -> Any:
    """The data, unchanged. Raises ValueError where it means more than `LARGEST` values, or holds itself."""
    if values_in(data, {}) > LARGEST:
        raise ValueError(f"its aliases mean more than {LARGEST:,} values")
    return data


def values_in(data: Any, known: dict[int, int | None]) -> int:
    """Every value as often as it is meant. `known` holds each list's and mapping's count once, None while it is counted."""
    if not isinstance(data, (dict, list, tuple, set)):
        return 1
    if id(data) not in known:
        known[id(data)] = None
        inner = [*data, *data.values()] if isinstance(data, dict) else list(data)
        known[id(data)] = 1 + sum(values_in(value, known) for value in inner)
    count = known[id(data)]
    if count is None:
        raise ValueError("it holds itself")
    return count
