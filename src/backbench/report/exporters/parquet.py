"""Two Parquet files: `report.parquet`, a row a cell as in report.csv, and `samples.parquet`, a row a raw value.

Types are fixed by the field and do not depend on what a report happens to hold; the units stand in the names, and for
samples in a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.errors import BackbenchError
from backbench.report.csv import FIELDS, values
from backbench.report.rows import Row
from backbench.report.section import Section

if TYPE_CHECKING:
    import pyarrow

TEXT = {
    "status", "reason", "model", "technique", "runtime", "weights", "recipe", "dataset", "dataset_sha256", "input",
    "device", "host", "boundary", "protocol", "grade", "accuracy_mark", "latency_mark", "baseline_cell_id",
    "latency_verdict", "macs_counters", "energy_reason", "front", "warnings", "study", "created_utc", "cell_id",
    "record_id",
}  # fmt: skip
WHOLE = {
    "number",
    "seed",
    "threads",
    "batch",
    "accuracy_images",
    "latency_processes",
    "latency_calls",
    "throughput_batch",
}
TRUTH = {"accuracy_is_chance", "latency_ratio_paired", "macs_disputed"}


def write(sections: Sequence[Section], folder: Path) -> list[Path]:
    """Raises BackbenchError where nothing can be written."""
    import pyarrow.parquet

    tables = {"report.parquet": report_table(sections), "samples.parquet": samples_table(sections)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            pyarrow.parquet.write_table(table, folder / name, compression="zstd")
    except OSError as error:
        raise BackbenchError(f"{folder}: can't be written: {error.strerror or error}") from None
    return [folder / name for name in tables]


def report_table(sections: Sequence[Section]) -> pyarrow.Table:
    import pyarrow

    rows = [
        {name: typed(name, value) for name, value in values(section, row).items()}
        for section in sections
        for row in section.rows
    ]
    return pyarrow.Table.from_pylist(rows, schema=pyarrow.schema([(name, kind(name)) for name in FIELDS]))


def kind(name: str) -> pyarrow.DataType:
    import pyarrow

    if name in TEXT:
        return pyarrow.string()
    if name in WHOLE:
        return pyarrow.int64()
    return pyarrow.bool_() if name in TRUTH else pyarrow.float64()


def typed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in TEXT:
        return str(value)
    return value if name in WHOLE or name in TRUTH else float(value)


def samples_table(sections: Sequence[Section]) -> pyarrow.Table:
    """record_id, metric, unit, round, call (0, 1, … in its process), warmup, value."""
    import pyarrow

    names = ("record_id", "metric", "unit", "round", "call", "warmup", "value")
    types = (pyarrow.string(), pyarrow.string(), pyarrow.string(), pyarrow.int64(), pyarrow.int64(), pyarrow.bool_())
    columns: list[list[Any]] = [[] for _ in names]
    for section in sections:
        for row in section.rows:
            for *same, found in series(row):
                extend(columns, same, found)
    schema = pyarrow.schema([*zip(names, types, strict=False), ("value", pyarrow.float64())])
    arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def series(row: Row) -> Iterator[tuple[str, str, str, int, bool, Sequence[float]]]:
    """(record, metric, unit, round, warm-up, values) of each process; a latency's warm-up calls come first."""
    for metric, measurement in row.record.measurements.items():
        for sample in measurement.samples:
            warm = sample.data.get("warmup")
            if isinstance(warm, (list, tuple)):
                numbers = [float(value) for value in warm if isinstance(value, (int, float))]
                yield row.record.record_id, metric, measurement.unit, sample.round, True, numbers
            yield row.record.record_id, metric, measurement.unit, sample.round, False, sample.values


def extend(columns: list[list[Any]], same: Sequence[Any], found: Sequence[float]) -> None:
    record, metric, unit, number, warm = ([value] * len(found) for value in same)
    for column, added in zip(columns, (record, metric, unit, number, range(len(found)), warm, found), strict=True):
        column.extend(added)
