"""What a part of a profile is asked for, as plain data; each part takes of it what it needs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from backbench.measuring.plan import Plan
from backbench.profiling.counted import Prediction, Shape
from backbench.profiling.swept import Point
from backbench.settings import Settings
from backbench.spec.cell import Cell


class PartJob(BaseModel):
    """What every part gets; some need no more than the cell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: Cell
    settings: Settings
    plan: Plan
    artefact: Path | None = None
    depth: int = 2
    images: Path | None = None
    perfetto: Path | None = None
    tensorboard: Path | None = None
    shapes: tuple[Shape, ...] = ()  # sizes to count
    prediction: Prediction | None = None
    points: tuple[Point, ...] = ()
    axis: str = ""
    computed: bool = False  # the network's path depends on values: larger sizes can't be followed, only run
