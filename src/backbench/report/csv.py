"""report.csv: one line a cell, raw derived numbers with their intervals, units in the headers; empty where nothing is
known.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.spec.choice import chain_text

Value = str | int | float | bool | None
INFINITE = (math.inf, -math.inf)
MAX_TEXT = 10_000  # characters of a field: spreadsheets and csv readers refuse much longer ones
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute instead of showing

FIELDS: dict[str, Callable[[Section, Row], Any]] = {
    "number": lambda section, row: row.number,
    "status": lambda section, row: row.status,
    "reason": lambda section, row: row.record.reason,
    "model": lambda section, row: str(row.cell.model),
    "technique": lambda section, row: chain_text(row.cell.technique),
    "runtime": lambda section, row: str(row.cell.runtime),
    "weights": lambda section, row: row.cell.weights,
    "recipe": lambda section, row: row.cell.recipe,
    "seed": lambda section, row: row.cell.seed,
    "dataset": lambda section, row: row.conditions.dataset or str(row.cell.dataset),
    "dataset_sha256": lambda section, row: row.conditions.checksum,
    "input": lambda section, row: row.conditions.input,
    "device": lambda section, row: row.cell.device,
    "host": lambda section, row: row.conditions.host,
    "threads": lambda section, row: row.cell.threads,
    "batch": lambda section, row: row.cell.batch,
    "boundary": lambda section, row: row.cell.boundary,
    "protocol": lambda section, row: row.conditions.protocol,
    "grade": lambda section, row: row.grade,
    "accuracy": lambda section, row: row.accuracy and row.accuracy.estimate,
    "accuracy_low": lambda section, row: row.accuracy and row.accuracy.low,
    "accuracy_high": lambda section, row: row.accuracy and row.accuracy.high,
    "accuracy_images": lambda section, row: row.accuracy and row.accuracy.n,
    "accuracy_is_chance": lambda section, row: not row.trained if row.accuracy else None,
    "top5_accuracy": lambda section, row: row.top5,
    "accuracy_mark": lambda section, row: section.accuracy_marks.get(row.number, ""),
    "accuracy_difference_to_baseline_pp": lambda section, row: versus(section, row, "difference", "pp"),
    "accuracy_difference_low_pp": lambda section, row: versus(section, row, "difference", "low"),
    "accuracy_difference_high_pp": lambda section, row: versus(section, row, "difference", "high"),
    "accuracy_p_holm": lambda section, row: versus(section, row, "p"),
    "latency_median_s": lambda section, row: row.latency and row.latency.median,
    "latency_low_s": lambda section, row: row.latency and row.latency.low,
    "latency_high_s": lambda section, row: row.latency and row.latency.high,
    "latency_mean_s": lambda section, row: row.latency and row.latency.mean,
    "latency_processes": lambda section, row: row.latency and row.latency.n_processes,
    "latency_calls": lambda section, row: row.latency and row.latency.n_calls,
    "latency_mark": lambda section, row: section.speed_marks.get(row.number, ""),
    "baseline_cell_id": lambda section, row: base(section, row),
    "latency_ratio_to_baseline": lambda section, row: versus(section, row, "ratio", "estimate"),
    "latency_ratio_low": lambda section, row: versus(section, row, "ratio", "low"),
    "latency_ratio_high": lambda section, row: versus(section, row, "ratio", "high"),
    "latency_verdict": lambda section, row: versus(section, row, "verdict"),
    "latency_ratio_paired": lambda section, row: versus(section, row, "paired"),
    "throughput_images_per_s": lambda section, row: row.throughput and row.throughput.images_per_second,
    "throughput_low_images_per_s": lambda section, row: row.throughput and row.throughput.low,
    "throughput_high_images_per_s": lambda section, row: row.throughput and row.throughput.high,
    "throughput_batch": lambda section, row: row.throughput and row.throughput.batch,
    "size_bytes": lambda section, row: row.size,
    "parameters": lambda section, row: row.parameters("stored"),
    "parameters_nonzero": lambda section, row: row.parameters("nonzero"),
    "parameters_trainable": lambda section, row: row.parameters("trainable"),
    "macs": lambda section, row: None if row.disputed else row.macs,
    "macs_counters": lambda section, row: json.dumps(row.counters, sort_keys=True) if row.counters else None,
    "macs_disputed": lambda section, row: row.disputed if row.counters else None,
    "weights_memory_bytes": lambda section, row: row.parameters("weights_bytes"),
    "peak_memory_rise_bytes": lambda section, row: row.peak_memory,
    "energy_j_per_image": lambda section, row: row.energy,
    "energy_reason": lambda section, row: row.reason("energy"),
    "front": lambda section, row: section.standings.get(row.number),
    "warnings": lambda section, row: " ".join(warn.code for warn in row.record.warnings),
    "study": lambda section, row: row.record.study,
    "created_utc": lambda section, row: row.record.created_utc,
    "cell_id": lambda section, row: row.record.cell_id,
    "record_id": lambda section, row: row.record.record_id,
}


def csv_text(sections: Sequence[Section]) -> str:
    """The whole file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for section in sections:
        writer.writerows(map(safe, values(section, row).values()) for row in section.rows)
    return out.getvalue()


def values(section: Section, row: Row) -> dict[str, Value]:
    """Every field of the row as data; an infinite bound is None."""
    found = {name: field(section, row) for name, field in FIELDS.items()}
    return {name: None if value in INFINITE else value for name, value in found.items()}


def safe(value: Value) -> Value:
    """Text that a spreadsheet would take for a formula is quoted for it; line breaks become blanks."""
    if not isinstance(value, str):
        return "" if value is None else value
    cut = value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"
    line = " ".join(cut.split()) if any(sign in cut for sign in "\r\n\t\0") else cut
    return f"'{line}" if line.startswith(FORMULA) else line


def versus(section: Section, row: Row, *path: str) -> Any:
    """A value of the comparison with the baseline, or None."""
    value: Any = section.versus.get(row.number)
    for step in path:
        value = None if value is None else getattr(value, step)
    return value


def base(section: Section, row: Row) -> str | None:
    found = section.versus.get(row.number)
    return found.base.record.cell_id if found else None
