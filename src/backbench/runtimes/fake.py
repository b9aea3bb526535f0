"""A runtime that computes nothing and takes exactly the time it is told: for tests of statistics, sampling and reports.

Time is the process's `CLOCK`, which moves only when a fake session says so; `sleep=true` lets the time really pass.
The logits of the artefact's own inputs are its reference; those of any other image are a fixed projection of its
pixels.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from backbench.artefacts.artefact import Artefact
from backbench.errors import BackbenchError, Skip
from backbench.runtimes.runtime import Runtime, Session

Seconds = Annotated[float, Field(ge=0)]


@dataclass
class FakeClock:
    """Nanoseconds that pass by command."""

    now: int = 0

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


CLOCK = FakeClock()


class Fake(Runtime):
    """`delays` are seconds joined by `/`: call k takes the k-th, and the last one from then on."""

    format: ClassVar[str] = "module"
    family: ClassVar[str] = "fake"

    load: Seconds = 0.0
    first: Seconds = 0.0  # more than any other call
    delays: Annotated[str, BeforeValidator(str), Field(pattern=r"^[0-9.e-]+(/[0-9.e-]+)*$")] = "0.001"
    per_image: Seconds = 0.0
    cycle: bool = False  # start again with the first delay instead of staying at the last
    remember: Annotated[float, Field(gt=0)] = 1.0  # factor on the time of an input just seen: a cache
    error: float = 0.0  # logits are multiplied by 1 + error, and the classes turned by one where it is over 1
    fails: Literal["", "open", "skip", "run", "memory"] = ""
    sleep: bool = False

    def open(self, artefact: Artefact, device: str, threads: int) -> FakeSession:
        if self.fails == "skip":
            raise Skip("runtime fake: it was told that it can't work here")
        if self.fails == "open":
            raise BackbenchError("runtime fake: it was told not to open")
        session = FakeSession(self, artefact)
        session.spend(self.load)
        return session


class FakeSession(Session):
    """Counts its calls and moves the clock."""

    def __init__(self, runtime: Fake, artefact: Artefact) -> None:
        self._runtime, self._classes = runtime, artefact.num_classes
        self._delays = [float(part) for part in runtime.delays.split("/")]
        self._known = dict(zip(map(key, artefact.load_inputs()), artefact.load_reference(), strict=True))
        self._calls, self._last, self._closed = 0, b"", False

    def spend(self, seconds: float) -> None:
        CLOCK.advance(seconds)
        if self._runtime.sleep:
            time.sleep(seconds)

    def upload(self, batch: NDArray[np.float32]) -> Any:
        return np.ascontiguousarray(batch, np.float32)

    def run(self, batch: Any) -> Any:
        if self._closed:
            raise BackbenchError("runtime fake: the session is closed")
        if self._runtime.fails == "memory":
            raise MemoryError
        if self._runtime.fails == "run":
            raise RuntimeError("the fake runtime was told to crash")
        self.spend(self._time(batch))
        return self._logits(batch)

    def _time(self, batch: NDArray[np.float32]) -> float:
        number, self._calls = self._calls, self._calls + 1
        place = number % len(self._delays) if self._runtime.cycle else min(number, len(self._delays) - 1)
        seconds = self._delays[place] + self._runtime.per_image * len(batch)
        seen, self._last = self._last, key(batch)
        factor = self._runtime.remember if seen == self._last else 1.0
        return seconds * factor + (self._runtime.first if number == 0 else 0.0)

    def _logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        known = [self._known.get(key(image)) for image in batch]
        rows = [
            fake_logits(image, self._classes) if row is None else row for image, row in zip(batch, known, strict=True)
        ]
        logits = np.stack(rows) * np.float32(1 + self._runtime.error)
        return np.roll(logits, 1, axis=1) if self._runtime.error > 1 else logits

    def download(self, logits: Any) -> NDArray[np.float32]:
        return np.asarray(logits, np.float32)

    def executed(self) -> dict[str, Any]:
        return {"precision": "fp32", "calls": self._calls}

    def close(self) -> None:
        self._closed = True


def key(values: NDArray[np.float32]) -> bytes:
    return np.ascontiguousarray(values, np.float32).tobytes()


def fake_logits(image: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    """C × H × W → classes: a projection that the number of pixels and classes fixes."""
    weights = np.random.RandomState(classes).standard_normal((classes, image.size)).astype(np.float32)
    return weights @ image.reshape(-1)
