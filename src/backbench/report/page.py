"""One record in full for a person: the cell with all its options, what was made of it, the samples in short, every
doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from backbench.records.schema import Measurement, Record
from backbench.report.reading import Found
from backbench.report.rows import Row, number_in
from backbench.report.table import macs
from backbench.report.units import digits, mb, millions, ms, percent, plain_name, plural, width
from backbench.spec.choice import chain_text
from backbench.statistics.series import outliers, tail

MAX_VALUE = 160


def page(found: Found) -> list[tuple[str, list[str]]]:
    """(heading, lines) of each part; parts of which the record holds nothing are left out."""
    row, record = Row(1, found), found.record
    parts = {
        "cell": cell_lines(record),
        "result": result_lines(row),
        "latency, by process": latency_lines(record.measurements.get("latency")),
        "other measurements": measurement_lines(record),
        "gate": gate_lines(record),
        "artefact": facts(record.artefact or {}),
        "evidence of change": facts(record.evidence),
        "cost": facts(record.cost),
        "inputs": facts(record.inputs),
        "executed": facts(record.executed),
        "protocol": facts(record.protocol),
        "host": facts(record.host),
        "conditions": facts(record.conditions.model_dump() if record.conditions else {}),
        "warnings": warning_lines(record),
        "record": [
            f"file {found.path}",
            f"record_id {record.record_id}",
            f"made {record.created_utc} by {tool(record)}",
        ],
    }
    return [(heading, lines) for heading, lines in parts.items() if lines]


def cell_lines(record: Record) -> list[str]:
    cell = record.cell
    named = {
        "id": record.cell_id,
        "study": record.study,
        "model": str(cell.model),
        "technique": chain_text(cell.technique),
        "runtime": str(cell.runtime),
        "dataset": str(cell.dataset),
    }
    rest = cell.model_dump(mode="json", exclude={"model", "technique", "runtime", "dataset"})
    return facts({**named, **rest})


def result_lines(row: Row) -> list[str]:
    """Status and the derived numbers, as the report has them."""
    lines = [row.status + (f": {plain_name(row.record.reason, 1000)}" if row.record.reason else "")]
    if row.accuracy:
        share = row.accuracy
        note = "" if row.trained else " (chance: the head was never trained on this dataset)"
        interval = f"[{percent(share.low)}, {percent(share.high)}]"
        lines.append(f"accuracy {percent(share.estimate)} % {interval}, {share.n:,} images{note}")
    if row.latency:
        found = row.latency
        half = width(found.low, found.median, found.high)
        count = f"{found.n_calls:,} calls in {found.n_processes:,} processes"
        lines.append(f"latency {ms(found.median)} ms {half}, mean {ms(found.mean)} ms, {count}")
    if row.throughput:
        lines.append(f"throughput {digits(row.throughput.images_per_second)} images/s at batch {row.throughput.batch}")
    known = {"size": (row.size, mb, "MB"), "parameters": (row.parameters("stored"), millions, "M")}
    known["peak memory"] = (row.peak_memory, mb, "MB")
    lines += [f"{name} {form(value)} {unit}" for name, (value, form, unit) in known.items() if value is not None]
    return lines + ([f"MACs {macs(row)} M"] if row.counters else [])


def latency_lines(measurement: Measurement | None) -> list[str]:
    """One line a process: its median, its tail where n carries one, its regime and outliers."""
    if measurement is None:
        return []
    if not measurement.samples:
        return [f"not measured: {plain_name(measurement.reason or 'no reason was recorded', 400)}"]
    return [latency_line(sample.round, sample.values, sample.data) for sample in measurement.samples]


def latency_line(number: int, values: tuple[float, ...], data: Mapping[str, Any]) -> str:
    if not values:
        return f"round {number}: no timed call"
    far, end = outliers(values), tail(values)
    p99 = (
        f"p99 {ms(end.estimate)} ms"
        if end.estimate is not None
        else f"p99: too few independent calls ({end.needed} needed)"
    )
    said = [f"round {number}: median {ms(median(values))} ms of {len(values):,} calls", p99]
    said.append(f"outliers {far.low_severe + far.high_severe} severe, {far.low_mild + far.high_mild} mild")
    shown = ("regime", "spawned", "cpu_share", "foreign")
    return ", ".join(said + [f"{key} {short(data[key])}" for key in shown if data.get(key) is not None])


def measurement_lines(record: Record) -> list[str]:
    """Every other metric: its middle and how many values it has, or why it has none."""
    rest = {name: found for name, found in record.measurements.items() if name != "latency"}
    return [f"{plain_name(name, 60)}: {measurement_line(name, found)}" for name, found in rest.items()]


def measurement_line(name: str, found: Measurement) -> str:
    values = [value for sample in found.samples for value in sample.values]
    if not values:
        reason = plain_name(found.reason or "no reason was recorded", 400)
        return f"not measured: {reason.removeprefix(f'{name}: ')}"
    if name == "throughput":
        return sweep(found)
    return f"median {digits(median(values))} {plain_name(found.unit, 20)} of {plural(len(values), 'value')}"


def sweep(found: Measurement) -> str:
    """Images per second at each batch, the median over all calls."""
    batches: dict[int, list[float]] = {}
    for sample in found.samples:
        batches.setdefault(int(number_in(sample.data, "batch") or 0), []).extend(sample.values)
    rates = {
        batch: batch / median(values) for batch, values in sorted(batches.items()) if values and median(values) > 0
    }
    return ", ".join(f"batch {batch} {digits(rate, 3)} images/s" for batch, rate in rates.items())


def gate_lines(record: Record) -> list[str]:
    gate = record.gate
    if gate is None:
        return []
    said = f"{'passed' if gate.passed else 'missed'} (tolerance {plain_name(gate.tolerance, 40)})"
    errors = f"largest error {gate.max_error:.3g}, mean {gate.mean_error:.3g}, cosine {gate.cosine:.6f}"
    return [f"{said}: {percent(gate.agreement)} % equal arg-max of {gate.n:,} inputs, {errors}"]


def warning_lines(record: Record) -> list[str]:
    said = [f"{plain_name(warn.code, 60)}: {plain_name(warn.message, 400)}" for warn in record.warnings]
    remedies = [f" Remedy: {plain_name(warn.remedy, 400)}" if warn.remedy else "" for warn in record.warnings]
    return [f"{text}{remedy}" for text, remedy in zip(said, remedies, strict=True)]


def facts(data: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Nested data as `key value` lines; what is empty is left out, long values are cut."""
    lines: list[str] = []
    for key, value in data.items():
        name = f"{prefix}{plain_name(key, 60)}"
        if isinstance(value, Mapping):
            lines += facts(value, f"{name}.")
        elif isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
            lines += facts({str(place): one for place, one in enumerate(value)}, f"{name}.")
        elif value not in (None, [], (), ""):
            lines.append(f"{name} {short(value)}")
    return lines


def short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return plain_name(" ".join(items(value)), MAX_VALUE)
    return plain_name(value, MAX_VALUE)


def items(value: Iterable[Any]) -> list[str]:
    return [f"{one:.4g}" if isinstance(one, float) else str(one)[:MAX_VALUE] for one in list(value)[:40]]


def tool(record: Record) -> str:
    return plain_name(" ".join(str(record.tool.get(key)) for key in ("name", "version") if record.tool.get(key)), 60)
