"""Metrics that need no clock: read from the artefact, where prepare counted them."""

from __future__ import annotations

from typing import ClassVar, Literal

from backbench.artefacts.artefact import Artefact
from backbench.measuring.metric import Metric


class Counted(Metric):
    """One of the artefact's counts."""

    unit: ClassVar[str] = "1"
    stage: ClassVar[Literal["sample", "check", "artefact"]] = "artefact"
    count: ClassVar[str]

    def read(self, artefact: Artefact) -> float | None:
        return artefact.parameters.get(self.count)


class Parameters(Counted):
    """Elements of the artefact's parameters, as stored."""

    count: ClassVar[str] = "stored"


class Nonzero(Counted):
    """Parameters that are not zero: a mask removes nothing, and this shows it."""

    count: ClassVar[str] = "nonzero"


class Trainable(Counted):
    """Parameters that training moves, where a module exists."""

    count: ClassVar[str] = "trainable"


class WeightsMemory(Counted):
    """Bytes of parameters and buffers, as stored."""

    unit: ClassVar[str] = "byte"
    count: ClassVar[str] = "weights_bytes"


class Size(Metric):
    """Bytes of the deployable file(s)."""

    unit: ClassVar[str] = "byte"
    stage: ClassVar[Literal["sample", "check", "artefact"]] = "artefact"

    def read(self, artefact: Artefact) -> float | None:
        return artefact.bytes


class Macs(Metric):
    """Multiply-accumulate operations of one image (1 MAC = 2 FLOPs); None where the two counters disagree."""

    unit: ClassVar[str] = "1"
    stage: ClassVar[Literal["sample", "check", "artefact"]] = "artefact"

    def read(self, artefact: Artefact) -> float | None:
        counters = list(artefact.cost.get("counters", {}).values())
        return float(counters[0]) if counters and not artefact.cost.get("disputed") else None
