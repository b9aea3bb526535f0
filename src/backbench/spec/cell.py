"""A Cell is one fully specified experiment: plain data, the machine not included.

`cell_id` is the hash of the cell's canonical JSON, so the same experiment has the same name on every machine.
What the inputs *contain* (weights, images, versions) is the artefact's identity, not the cell's.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from backbench.spec.choice import Choice, chain_text, parse_chain

Boundary = Literal["model", "host", "end-to-end"]
Chain = Annotated[
    tuple[Choice, ...],
    BeforeValidator(parse_chain),
    PlainSerializer(lambda chain: [part.model_dump() for part in chain]),
]


def read_input(value: Any) -> Any:
    """`1x3x500x334` as (1, 3, 500, 334)."""
    if isinstance(value, str):
        if not re.fullmatch(r"\d+(x\d+){3}", value):
            raise ValueError(f"an input is BATCHxCHANNELSxHEIGHTxWIDTH, e.g. 1x3x224x224, not {value!r}")
        return tuple(int(side) for side in value.split("x"))
    return value


Shape = tuple[
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
]


class Cell(BaseModel):
    """model × weights × dataset × recipe × seed × technique × runtime × device, and how it is called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Choice
    weights: str | None = None  # None: the recipe's; "random", "pretrained", or a file
    dataset: Choice
    recipe: str | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    technique: Chain = ()
    runtime: Choice = Choice(name="eager")
    device: Annotated[str, Field(pattern=r"^(cpu|cuda(:\d+)?)$")] = "cpu"
    threads: Annotated[int, Field(ge=1)] = 1
    batch: Annotated[int, Field(ge=1)] = 1
    boundary: Boundary = "model"
    input: Annotated[Shape | None, BeforeValidator(read_input)] = None

    @cached_property
    def id(self) -> str:
        """The first 16 hex digits of the SHA-256 of the cell's canonical JSON."""
        return digest(self.model_dump(mode="json"))

    @property
    def label(self) -> str:
        """What a person calls the cell in a progress line."""
        return " · ".join((str(self.model), chain_text(self.technique), str(self.runtime)))


def canonical(data: Any) -> str:
    """JSON with sorted keys, no blanks and no NaN: equal data, equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(data: Any, length: int = 16) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:length]
