"""How much accuracy each layer costs when it alone is compressed: pruned at several ratios, or quantized.

One layer at a time, the rest as trained, and the accuracy on images of *validation* (never of test: what is chosen by it is
selected). The difference is paired image by image with the whole network's. No training follows, so it says which layers hurt
most, not what a tuned network would reach. Each point is written when it is known: run again, it continues.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from backbench.artefacts.network import Plan
from backbench.artefacts.prepare import planned
from backbench.data.inputs import batch
from backbench.errors import BackbenchError
from backbench.records.store import write_json
from backbench.settings import Settings
from backbench.spec.cell import digest
from backbench.statistics.accuracy import paired_interval
from backbench.statistics.intervals import CONFIDENCE
from backbench.tuning.layer_by_layer import Images, Sweep, Wanted, kind_of

Right = NDArray[np.bool_]
IMAGE_SEED = 0  # every sensitivity of a dataset sees the same images


class Point(BaseModel):
    """One layer, compressed alone. `lost`: images that only the whole network gets right; `won`: only this one; null with a reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: str
    setting: str  # `ratio=0.5`, `int8`
    n: int
    lost: int | None = None
    won: int | None = None
    facts: dict[str, Any] = {}  # what changed: channels and MACs
    reason: str | None = None  # why this layer can't be compressed so

    @property
    def pp(self) -> float | None:
        """Percentage points of accuracy against the whole network."""
        return None if self.lost is None or self.won is None else 100 * (self.won - self.lost) / self.n

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 %, paired (Agresti and Min), in percentage points."""
        if self.lost is None or self.won is None:
            return None
        low, high = paired_interval(self.lost, self.won, self.n, CONFIDENCE)
        return 100 * low, 100 * high


class Sensitivity(BaseModel):
    """All points of one network and technique; `correct` of `n` validation images are right without it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    technique: str
    dataset: str
    key: str  # digest of everything that the points depend on
    n: int
    correct: int
    points: tuple[Point, ...] = ()

    @property
    def settings(self) -> list[str]:
        return list(dict.fromkeys(point.setting for point in self.points))

    def rows(self) -> list[tuple[str, dict[str, Point]]]:
        """(layer, its points by setting), in the network's order."""
        layers = dict.fromkeys(point.layer for point in self.points)
        return [(name, {point.setting: point for point in self.points if point.layer == name}) for name in layers]

    def worst_first(self) -> list[tuple[str, dict[str, Point]]]:
        """The rows, the layer with the largest loss in any setting first."""
        return sorted(self.rows(), key=lambda row: min((point.pp or 0.0 for point in row[1].values()), default=0.0))


def sensitivity(wanted: Wanted, settings: Settings, out: Path, tell: Callable[[str], None]) -> Sensitivity:
    """Every layer in every setting; kept in `out`/sensitivity.json as it goes.

    Raises UsageError before anything runs; BackbenchError for a head that was never trained on the dataset.
    """
    kind = kind_of(wanted)
    plan = planned(wanted.cell, settings, tell)
    if not plan.origin.trained:
        raise BackbenchError(
            f"sensitivity {wanted.cell.model}: it is measured by accuracy, and the head was never trained on "
            f"{plan.dataset.name}: name a recipe or weights that were trained on it"
        )
    sweep = kind(wanted, plan)
    inputs, labels, _ = batch(plan.dataset.validation, plan.preprocessing, wanted.images, IMAGE_SEED)
    if not len(labels):
        raise BackbenchError(f"sensitivity {wanted.cell.model}: {plan.dataset.name} has no validation part")
    base = sweep.whole(inputs) == labels
    found = continued(wanted, plan, out, base)
    for layer, setting in sweep.places():
        if any((point.layer, point.setting) == (layer, setting) for point in found.points):
            continue
        point = measured(sweep, layer, setting, inputs, labels, base)
        found = found.model_copy(update={"points": (*found.points, point)})
        write_json(out / "sensitivity.json", found.model_dump(mode="json"))
        tell(f"{len(found.points)} of {sweep.count}: {layer} {setting}: {said(point)}")
    return found


def measured(sweep: Sweep, layer: str, setting: str, inputs: Images, labels: NDArray[Any], base: Right) -> Point:
    try:
        classes, facts = sweep.compressed(layer, setting, inputs)
    except BackbenchError as error:
        return Point(layer=layer, setting=setting, n=len(labels), reason=str(error))
    right = classes == labels
    lost, won = int((base & ~right).sum()), int((~base & right).sum())
    return Point(layer=layer, setting=setting, n=len(labels), lost=lost, won=won, facts=facts)


def said(point: Point) -> str:
    return point.reason or f"{point.pp:+.1f} pp"


def continued(wanted: Wanted, plan: Plan, out: Path, base: Right) -> Sensitivity:
    """What stands in the folder, where it is of the same question; else a new beginning."""
    asked = {"technique": str(wanted.technique), "ratios": list(wanted.ratios), "images": wanted.images}
    fresh = Sensitivity(
        model=str(wanted.cell.model),
        technique=str(wanted.technique),
        dataset=plan.dataset.title,
        key=digest([plan.key, asked]),
        n=len(base),
        correct=int(base.sum()),
    )
    path = out / "sensitivity.json"
    try:
        old = Sensitivity.model_validate(json.loads(path.read_text()))
    except (OSError, ValueError):
        return fresh
    return old if old.key == fresh.key else fresh


def default_threads() -> int:
    return os.cpu_count() or 1
