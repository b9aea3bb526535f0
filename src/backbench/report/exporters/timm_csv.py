"""timm's two result tables: `benchmark-infer-*.csv` (speed) and `results-*.csv` (accuracy), in timm's units and order.

timm's rows are models; ours are cells, so what timm has no column for stands behind timm's columns. Activations are
not counted here and stay empty; a step time is the mean of all calls, as timm's is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from backbench.records.store import write_atomically
from backbench.report.csv import safe
from backbench.report.groups import part
from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.spec.choice import chain_text

Field = Callable[[Row], Any]
SPEED: Mapping[str, Field] = {
    "model": lambda row: row.cell.model.name,
    "infer_img_size": lambda row: image_size(row),
    "infer_samples_per_sec": lambda row: rounded(row.cell.batch / mean(row), 2),
    "infer_step_time": lambda row: rounded(mean(row) * 1e3, 3),
    "infer_batch_size": lambda row: row.cell.batch,
    "param_count": lambda row: scaled(row.parameters("stored"), 1e6),
    "infer_gmacs": lambda row: None if row.disputed else scaled(row.macs, 1e9),
    "infer_macts": lambda row: None,
}
ACCURACY: Mapping[str, Field] = {
    "model": lambda row: row.cell.model.name,
    "img_size": lambda row: image_size(row),
    "top1": lambda row: rounded(100 * share(row), 3),
    "top1_err": lambda row: rounded(100 - 100 * share(row), 3),
    "top5": lambda row: None if row.top5 is None else rounded(row.top5 * 100, 3),
    "top5_err": lambda row: None if row.top5 is None else rounded(100 - row.top5 * 100, 3),
    "param_count": lambda row: scaled(row.parameters("stored"), 1e6),
    "crop_pct": lambda row: preprocessing(row).get("crop"),
    "interpolation": lambda row: preprocessing(row).get("interpolation"),
}
OURS: Mapping[str, Field] = {
    "options": lambda row: str(row.cell.model).partition(":")[2] if row.cell.model.options else "",
    "technique": lambda row: chain_text(row.cell.technique),
    "runtime": lambda row: str(row.cell.runtime),
    "dataset": lambda row: row.cell.dataset.name,
    "device": lambda row: row.conditions.host,
    "threads": lambda row: row.cell.threads,
    "record_id": lambda row: row.record.record_id,
}


def write(sections: Sequence[Section], folder: Path) -> list[Path]:
    """`timm-benchmark-infer.csv` of the rows that were timed, `timm-results.csv` of those with a trained head."""
    rows = [row for section in sections for row in section.measured]
    timed = [row for row in rows if row.latency and row.latency.mean > 0]
    tested = [row for row in rows if row.accuracy and row.trained]
    files = {"timm-benchmark-infer.csv": text(SPEED, timed), "timm-results.csv": text(ACCURACY, tested)}
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [folder / name for name in files]


def text(fields: Mapping[str, Field], rows: Sequence[Row]) -> str:
    every = {**fields, **OURS}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(every), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: safe(field(row)) for name, field in every.items()})
    return out.getvalue()


def mean(row: Row) -> float:
    """Seconds of a call of a row that was timed."""
    assert row.latency is not None
    return row.latency.mean


def share(row: Row) -> float:
    """The accuracy of a row that was tested."""
    assert row.accuracy is not None
    return row.accuracy.estimate


def image_size(row: Row) -> str | None:
    """timm writes one number for a square; what is not one stands as height×width."""
    sides = (row.conditions.input or "").split("×")
    return sides[0] if len(set(sides)) == 1 and sides[0] else row.conditions.input


def preprocessing(row: Row) -> Mapping[str, Any]:
    return part(row.record.inputs, "preprocessing")


def scaled(value: float | None, unit: float) -> float | None:
    """Two decimals as timm has them, and four digits of what would be nothing then."""
    if value is None:
        return None
    return rounded(value / unit, 2) if value >= unit / 10 else float(f"{value / unit:.4g}")


def rounded(value: float, places: int) -> float:
    return round(value, places)
