"""One point of a checklist, and what a run's records can say to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from backbench.verifying.evidence import Evidence

State = Literal["answered", "partly", "open"]


@dataclass(frozen=True)
class Answer:
    """`answered`: the text says all that was asked. `partly`: it says what is missing. `open`: it says who can answer."""

    state: State
    text: str


@dataclass(frozen=True)
class Item:
    """A point in its section, in short words of our own, and how it is answered."""

    section: str
    question: str
    answer: Callable[[Evidence], Answer]


def left_open(text: str) -> Callable[[Evidence], Answer]:
    """A point that no record can know."""
    return lambda evidence: Answer("open", text)
