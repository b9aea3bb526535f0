"""The search: a coarse run of every setting, then a full one of the best few beside the baseline.

A setting is dropped where it can't be had here, where its outputs or its accuracy are not the network's, or where it
is slower than the finalists in the coarse run; each has its reason. What can't be told from the winner is named with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from backbench import runtimes
from backbench.catalogue import resolve
from backbench.errors import BackbenchError, SpecError
from backbench.pipeline import Progress, run_planned
from backbench.records.schema import Record
from backbench.report.axes import Axis
from backbench.report.comparison import Versus, against
from backbench.report.pareto import Interval, on_front
from backbench.report.reading import Found
from backbench.report.rows import Row
from backbench.report.section import point_of
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.spec.choice import chain_text
from backbench.spec.study import Planned, Study, expand, study_of
from backbench.spec.where import matches
from backbench.tuning.space import Setting

Objective = Literal["latency", "throughput"]
BASELINE = Setting.model_validate({"runtime": "eager"})
FINALISTS = 4
SWEEP = (1, 8, 32)  # batches that are tried for throughput


@dataclass(frozen=True)
class Wanted:
    """What is tuned, and within which bounds. `max_drop`: share of accuracy that may be lost (0.005 is 0.5 pp)."""

    fixed: Mapping[str, Any]  # model, dataset, weights, recipe, seed, device
    settings: Sequence[Setting]
    threads: Sequence[int]
    batches: Sequence[int] = (1,)
    max_drop: float = 0.005
    finalists: int = FINALISTS
    protocol: str = "standard"  # of the full run


@dataclass(frozen=True)
class Tuned:
    """What the full run found: rows within the bounds, the best first; `versus` holds each against the best."""

    ranked: list[Row]
    baseline: Row
    versus: dict[int, Versus]
    dropped: list[tuple[Cell, str]]
    folder: Path

    @property
    def best(self) -> Row:
        return self.ranked[0]

    @property
    def ties(self) -> list[Row]:
        """Rows that can't be told from the best, or are the same within 2 %."""
        return [row for row in self.ranked[1:] if self.versus[row.number].verdict in ("same", "can't tell")]

    @property
    def front(self) -> list[Row]:
        """Rows that no other one beats in both accuracy and time of an image; empty where no accuracy is known."""
        points = [point for row in self.ranked if row.trained and (point := point_of(row, IMAGE_TIME))]
        found = set(on_front(points))
        return [row for row in self.ranked if row.number in found]


def tune(
    wanted: Wanted, out: Path, settings: Settings, tell: Callable[[Progress], None] = lambda progress: None
) -> Tuned:
    """Raises UsageError before anything runs, BackbenchError where not even the baseline could be measured."""
    planned = cells_of(wanted, settings)
    found = run_planned(study_over(wanted, "screen"), planned, out / "screen", settings, tell)
    rows = rows_of(found, out / "screen")
    base = baseline_of(rows)
    dropped = screened(rows, base, wanted)
    kept = [replace(plan, skip=plan.skip or dropped.get(plan.cell.id)) for plan in planned]
    final = rows_of(run_planned(study_over(wanted, wanted.protocol), kept, out / "full", settings, tell), out / "full")
    return ranking(final, wanted, out / "full")


def cells_of(wanted: Wanted, settings: Settings) -> list[Planned]:
    """Every setting at every number of threads and batch; the baseline among them. Raises SpecError."""
    planned: dict[str, Planned] = {}
    complaints: list[str] = []
    for setting in (BASELINE, *wanted.settings):
        try:
            for plan in expand(study_over(wanted, "screen", setting), resolve(settings), "tune"):
                planned.setdefault(plan.cell.id, plan)
        except SpecError as error:
            complaints += [item for item in error.complaints if item not in complaints]
    if complaints:
        raise SpecError("tune", complaints)
    return list(planned.values())


def study_over(wanted: Wanted, protocol: str, setting: Setting = BASELINE) -> Study:
    """The study of one setting; of all, as far as the protocol, the baseline and the metrics go."""
    data: dict[str, Any] = {
        "name": f"tune-{protocol}",
        "fixed": {
            **wanted.fixed,
            "protocol": protocol,
            "runtime": setting.runtime.model_dump(),
            "technique": chain_text(setting.technique),
        },
        "axes": {"threads": list(wanted.threads), "batch": list(wanted.batches)},
        "baseline": untouched(),
    }
    return study_of(data | ({"metrics": ["latency"]} if protocol == "screen" else {}), "tune")


def rows_of(records: Sequence[Record], folder: Path) -> list[Row]:
    return [
        Row(number, Found(record, folder / "records" / f"{record.cell_id}.json", folder))
        for number, record in enumerate(records, 1)
    ]


def baseline_of(rows: Sequence[Row]) -> Row:
    """The untouched network in eager, at its best threads and batch."""
    found = [row for row in rows if row.status == "ok" and is_baseline(row)]
    if not found:
        reasons = sorted({str(row.record.reason) for row in rows if is_baseline(row)})
        raise BackbenchError(f"tune: the network could not be measured in eager: {'; '.join(reasons)}")
    return min(found, key=seconds_per_image)


def is_baseline(row: Row) -> bool:
    return matches(row.cell, untouched())


def untouched() -> dict[str, Any]:
    """Eager with its defaults, all said: `runtime: eager` alone would mean its other settings as well."""
    return {"technique": "none", "runtime": runtimes.REGISTRY.resolve(BASELINE.runtime).model_dump()}


def image_time(row: Row) -> Interval | None:
    size, found = row.cell.batch, row.latency
    return Interval(found.median / size, found.low / size, found.high / size) if found else None


IMAGE_TIME = Axis("image_time", "time of an image", "ms", 1e3, image_time)


def seconds_per_image(row: Row) -> float:
    return row.latency.median / row.cell.batch if row.latency else float("inf")


def screened(rows: Sequence[Row], base: Row, wanted: Wanted) -> dict[str, str]:
    """Cell → why it is not measured further; the baseline always is."""
    measured = [row for row in rows if row.status == "ok"]
    reasons = {row.cell.id: reason for row in measured if (reason := loses(row, base, wanted.max_drop))}
    ordered = sorted((row for row in measured if row.cell.id not in reasons), key=seconds_per_image)
    for row in ordered[wanted.finalists :]:
        times = seconds_per_image(row) / seconds_per_image(ordered[0])
        reasons[row.cell.id] = f"{times:.2f} times the fastest one's time in the coarse run"
    reasons.pop(base.cell.id, None)
    return reasons


def loses(row: Row, base: Row, max_drop: float) -> str | None:
    """Why this row's accuracy is out of bounds, or None; without accuracies the gate has to do."""
    if row.accuracy is None or base.accuracy is None or not row.trained:
        return None
    drop = base.accuracy.estimate - row.accuracy.estimate
    return f"{drop * 100:.2f} pp of accuracy lost (at most {max_drop * 100:g})" if drop > max_drop else None


def ranking(rows: Sequence[Row], wanted: Wanted, folder: Path) -> Tuned:
    """The full run's rows, the best first."""
    base = baseline_of(rows)
    within = [row for row in rows if row.status == "ok" and not loses(row, base, wanted.max_drop)]
    ranked = sorted(within, key=seconds_per_image)
    versus = against([(row, ranked[0]) for row in ranked[1:]])
    dropped = [(row.cell, str(row.record.reason)) for row in rows if row.status != "ok"]
    dropped += [
        (row.cell, reason) for row in rows if row.status == "ok" and (reason := loses(row, base, wanted.max_drop))
    ]
    return Tuned(ranked, base, versus, dropped, folder)
