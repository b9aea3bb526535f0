"""Each row against another one: its baseline, or the best of its table. Verdicts hold for the table together (Holm).

Latencies are paired by round where both rows come from one run on one host; otherwise the ratio is unpaired and says
so. Accuracies are compared image by image where the test images are the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backbench.errors import BackbenchError, UsageError
from backbench.records.schema import unpack
from backbench.report.reading import read_json
from backbench.report.rows import Row
from backbench.spec.cell import Cell
from backbench.spec.choice import Choice
from backbench.spec.where import matches, readable
from backbench.statistics.accuracy import Difference, mcnemar
from backbench.statistics.compare import Ratio, Verdict, holm, simultaneous, verdict
from backbench.statistics.unpaired import unpaired_ratio

ALPHA = 0.05
USUAL_BASELINE: Mapping[str, Any] = {"technique": "none", "runtime": "eager"}


@dataclass(frozen=True)
class Versus:
    """A row against `base`: the latency's ratio (new ÷ base) with its verdict, and the accuracy's difference."""

    base: Row
    ratio: Ratio | None = None
    verdict: Verdict | None = None
    paired: bool = False
    difference: Difference | None = None
    p: float | None = None  # McNemar's, adjusted over the table

    @property
    def equal_predictions(self) -> bool:
        return self.difference is not None and self.difference.only_base == self.difference.only_new == 0

    @property
    def accuracy_differs(self) -> bool:
        return self.p is not None and self.p < ALPHA


def against(pairs: Sequence[tuple[Row, Row]]) -> dict[int, Versus]:
    """Row number → the row against its base, for all (row, base) of one table together."""
    ratios = latency_ratios(pairs)
    differences = {row.number: mcnemar_of(base, row) for row, base in pairs}
    known = {number: found for number, found in differences.items() if found is not None}
    adjusted = dict(zip(known, holm([found.p for found in known.values()]), strict=True))
    return {
        row.number: versus(row, base, ratios.get(row.number), differences[row.number], adjusted.get(row.number))
        for row, base in pairs
    }


def versus(row: Row, base: Row, ratio: Ratio | None, difference: Difference | None, p: float | None) -> Versus:
    return Versus(base, ratio, verdict(ratio) if ratio else None, same_run(row, base), difference, p)


def latency_ratios(pairs: Sequence[tuple[Row, Row]]) -> dict[int, Ratio]:
    """Simultaneous over the table: Holm for the paired ones; each unpaired one at the table's strictest level."""
    known = [(row, base) for row, base in pairs if positive(row) and positive(base)]
    paired = [(row, base) for row, base in known if same_run(row, base)]
    strictest = 1 - ALPHA / max(1, len(known))
    level = 1 - ALPHA * len(paired) / max(1, len(known))
    found = dict(
        zip(
            (row.number for row, _ in paired),
            simultaneous([(base.medians, row.medians) for row, base in paired], confidence=level),
            strict=True,
        )
    )
    for row, base in known:
        if row.number not in found:
            found[row.number] = unpaired_ratio(list(base.medians.values()), list(row.medians.values()), strictest)
    return found


def positive(row: Row) -> bool:
    return bool(row.medians) and min(row.medians.values()) > 0


def same_run(row: Row, base: Row) -> bool:
    """Whether equal round numbers mean the same moment of the same machine."""
    return (
        row.found.folder == base.found.folder
        and row.record.study == base.record.study
        and row.fingerprint == base.fingerprint
        and bool(row.medians.keys() & base.medians.keys())
    )


def mcnemar_of(base: Row, new: Row) -> Difference | None:
    """None where the two were not tested on the same images."""
    if base.correct is None or new.correct is None or not same_images(base, new):
        return None
    return mcnemar(base.correct, new.correct)


def same_images(base: Row, new: Row) -> bool:
    ours, theirs = base.record.predictions, new.record.predictions
    data, other = (row.conditions.checksum for row in (base, new))
    if ours is None or theirs is None or data != other:
        return False
    return ours.labels == theirs.labels or np.array_equal(unpack(ours.labels), unpack(theirs.labels))


def baselines(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """(row, its baseline) for every row that has one: the row that equals it in every field that the study's
    `baseline` leaves open. One machine's baseline stands before another one's.
    """
    measured = [row for row in rows if row.status == "ok"]
    wheres = {folder: usable_baseline(folder) for folder in {row.found.folder for row in measured}}
    known = {folder: bases_by_key(measured, where) for folder, where in wheres.items()}
    pairs = []
    for row in measured:
        where = wheres[row.found.folder]
        bases = known[row.found.folder].get(key(row.cell, where), [])
        base = next((base for base in bases if base.found.folder == row.found.folder), bases[0] if bases else row)
        if base is not row:
            pairs.append((row, base))
    return pairs


def bases_by_key(rows: Sequence[Row], where: Mapping[str, Any]) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if matches(row.cell, where):
            found.setdefault(key(row.cell, where), []).append(row)
    return found


def key(cell: Cell, where: Mapping[str, Any]) -> tuple[Any, ...]:
    """The cell's fields that the baseline leaves open."""
    return tuple(open_value(getattr(cell, field)) for field in Cell.model_fields if field not in where)


def open_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(open_value, value))
    return (value.name, repr(sorted(value.options.items()))) if isinstance(value, Choice) else value


def usable_baseline(folder: Path) -> Mapping[str, Any]:
    """As `baseline_of`, and the usual one where the study can't be used: the report lists that fault."""
    try:
        return baseline_of(folder)
    except BackbenchError:
        return USUAL_BASELINE


def baseline_of(folder: Path) -> Mapping[str, Any]:
    """What the folder's study.json calls its baseline; without one, the untouched network in eager."""
    path = folder / "study.json"
    if not path.is_file():
        return USUAL_BASELINE
    study = read_json(path)
    where = study.get("baseline") if isinstance(study, dict) else None
    if where is None:
        return USUAL_BASELINE
    if not isinstance(where, dict) or readable(where, "baseline"):
        raise BackbenchError(f"{path}: its baseline is none that a study can have")
    try:
        matches_nothing_else(where)
    except (UsageError, ValueError) as error:
        raise BackbenchError(f"{path}: its baseline is none that a study can have: {error}") from None
    return where


def matches_nothing_else(where: Mapping[str, Any]) -> None:
    """Raises where a cell can't be held against `where`."""
    matches(Cell.model_validate({"model": "x", "dataset": "x"}), where)
