"""The hash that a record's `record_id` must be, from its file's own data.

Writing ten thousand records' canonical JSON anew takes longer than reading them: Python's writer spends most of it on
floats. `quick_hash` has pydantic's write them, and mends the few places where the two write differently. A wrong guess
of what Python would have written can only give another hash, never a record's: then `own_hash` decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from backbench.spec.cell import canonical

# A number ends before one of `,]}`; where a string looks like one, the hash is another and `own_hash` decides.
FIFTH_PLACE = re.compile(r"0\.0000([1-9]\d*)(?=[,\]}])")  # 0.000012 is 1.2e-05 in Python
EXPONENT = re.compile(r"e(-?)(\d+)(?=[,\]}])")  # 1.5e-7 is 1.5e-07
NOT_ASCII = re.compile(r"[^ -~]")


def own_hash(data: Mapping[str, Any]) -> str:
    """Of the canonical JSON. Raises ValueError or RecursionError where the data has none."""
    return sha256(canonical(without_id(data)).encode()).hexdigest()


def quick_hash(data: Mapping[str, Any]) -> str:
    """As `own_hash`, or of another text where the writers differ in a way that is not known here."""
    text = to_json(ordered(without_id(data))).decode()
    return sha256(as_python(text).encode()).hexdigest()


def without_id(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "record_id"}


def ordered(data: Any) -> Any:
    """The same with every mapping's keys sorted; a list that begins with a number is taken to hold nothing else."""
    if isinstance(data, dict):
        return {key: ordered(data[key]) for key in sorted(data)}
    if isinstance(data, list) and data and isinstance(data[0], (dict, list)):
        return [ordered(value) for value in data]
    return data


def as_python(text: str) -> str:
    """JSON with floats and signs as Python writes them."""
    text = EXPONENT.sub(padded, FIFTH_PLACE.sub(scientific, text))
    return text if text.isascii() else NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def scientific(found: re.Match[str]) -> str:
    if found.string[found.start() - 1].isdigit():  # the end of 10.000012
        return found[0]
    first, rest = found[1][0], found[1][1:]
    return f"{first}{'.' if rest else ''}{rest}e-05"


def padded(found: re.Match[str]) -> str:
    return f"e{found[1] or '+'}{int(found[2]):02}"
