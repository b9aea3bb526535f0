"""Writes docs/runtimes.md from the records under results/twelve_architectures: every architecture through every runtime.

    python docs/runtimes_page.py [OUT]

Nothing is typed by hand: status, ratios with their intervals, errors, times and sizes are read from the records. A test compares the
committed page with what this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from backbench.records.schema import Record
from backbench.statistics.compare import Ratio, simultaneous

DOCS = Path(__file__).parent
RUN = DOCS.parent / "results" / "twelve_architectures"
BASE = "eager"
NOTICE = "<!-- Written by docs/runtimes_page.py from the records under results/twelve_architectures. -->"
HEAD = (
    "Each architecture was built with random weights, exported to each runtime's own file, compared with eager fp32 on"
    " {inputs} real images ({dataset}, at {size}) and then timed: one processor, threads: {threads}, batch {batch}, fp32"
    " executed and read back, {rounds} interleaved rounds of fresh processes ({protocol} protocol), host grade {grade}."
)
MARKS = {"skipped": "skipped", "failed": "failed"}


@dataclass(frozen=True)
class Grid:
    """Records by model and runtime, both in the order in which the study has them."""

    records: Mapping[tuple[str, str], Record]
    models: list[str]
    runtimes: list[str]

    def table(self, cell: Callable[[Record], str], runtimes: Iterable[str] | None = None) -> str:
        """Rows are models, columns runtimes."""
        shown = list(runtimes or self.runtimes)
        head = [f"| model | {' | '.join(shown)} |", "|---|" + "--:|" * len(shown)]
        return "\n".join([*head, *(self.row(model, shown, cell) for model in self.models)])

    def row(self, model: str, runtimes: list[str], cell: Callable[[Record], str]) -> str:
        found = (self.records.get((model, runtime)) for runtime in runtimes)
        return f"| {model} | " + " | ".join(told(record, cell) for record in found) + " |"


def told(record: Record | None, cell: Callable[[Record], str]) -> str:
    if record is None:
        return "not run"
    return cell(record) if record.status == "ok" else MARKS[record.status]


def read(folder: Path) -> Grid:
    """The records of the study that the folder holds, in its order."""
    files = sorted((folder / "records").glob("*.json"))
    records = [Record.model_validate_json(path.read_text(encoding="utf-8")) for path in files]
    if not records:
        raise SystemExit(f"{folder}: there are no records")
    grid = {(record.cell.model.name, record.cell.runtime.name): record for record in records}
    study = (folder / "study.json").read_text(encoding="utf-8")
    order = sorted({model for model, _ in grid}, key=study.find), sorted({name for _, name in grid}, key=study.find)
    return Grid(grid, *order)


def medians(record: Record) -> dict[int, float]:
    """Round → median seconds of a call."""
    return {sample.round: median(sample.values) for sample in record.measurements["latency"].samples}


def ratios(grid: Grid) -> dict[str, Ratio]:
    """record_id → latency ÷ eager's, over paired rounds; the intervals hold together over the table."""
    pairs = {}
    for (model, runtime), record in grid.records.items():
        base = grid.records.get((model, BASE))
        if runtime != BASE and record.status == "ok" and base is not None and base.status == "ok":
            pairs[record.record_id] = (medians(base), medians(record))
    return dict(zip(pairs, simultaneous(list(pairs.values())), strict=True))


def latency_table(grid: Grid) -> str:
    compared = ratios(grid)

    def cell(record: Record) -> str:
        if record.cell.runtime.name == BASE:
            return f"{median(medians(record).values()) * 1e3:.1f} ms"
        ratio = compared[record.record_id]
        return f"{ratio.estimate:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"

    return grid.table(cell)


def error_table(grid: Grid) -> str:
    return grid.table(lambda record: f"{record.gate.max_error:.1e}" if record.gate else "none")


def start_table(grid: Grid) -> str:
    """Load + compile + first call, medians over processes."""

    def cell(record: Record) -> str:
        samples = record.measurements["latency"].samples
        parts = (median(float(sample.data[name]) for sample in samples) for name in ("load", "compile", "first"))
        return " + ".join(f"{seconds:.2f}" for seconds in parts)

    return grid.table(cell)


def memory_table(grid: Grid) -> str:
    def cell(record: Record) -> str:
        samples = record.measurements["peak_memory"].samples
        return f"{median(sample.values[0] for sample in samples) / 1e6:.0f}" if samples else "unknown"

    return grid.table(cell)


def size_table(grid: Grid) -> str:
    return grid.table(lambda record: f"{(record.artefact or {})['bytes'] / 1e6:.1f}")


def precision_table(grid: Grid) -> str:
    def cell(record: Record) -> str:
        left = record.executed.get("fallbacks") or {}
        text = str(record.executed.get("precision"))
        return text + (f", {sum(left.values())} fell back" if left else "")

    return grid.table(cell)


def summary(grid: Grid) -> str:
    """How many cells of each runtime are ok, skipped, failed; and its ratio over the models."""
    compared = ratios(grid)
    rows = ["| runtime | ok | skipped | failed | median ratio to eager | largest error |", "|---|--:|--:|--:|--:|--:|"]
    for runtime in grid.runtimes:
        found = [record for (_, name), record in grid.records.items() if name == runtime]
        counts = [sum(record.status == status for record in found) for status in ("ok", "skipped", "failed")]
        known = [compared[record.record_id].estimate for record in found if record.record_id in compared]
        errors = [record.gate.max_error for record in found if record.gate and record.status == "ok"]
        ratio = f"{median(known):.2f}" if known else "1"
        rows.append(
            f"| {runtime} | {' | '.join(map(str, counts))} | {ratio} | {f'{max(errors):.1e}' if errors else 'none'} |"
        )
    return "\n".join(rows)


def fallbacks(grid: Grid) -> list[str]:
    """What fell back, a line each, where anything did."""
    lines = []
    for (model, runtime), record in grid.records.items():
        left = record.executed.get("fallbacks") if record.status == "ok" else None
        if left:
            names = ", ".join(f"{name} × {count}" for name, count in sorted(left.items(), key=lambda item: -item[1]))
            lines.append(f"* {model}, {runtime}: {names}")
    return lines


def reasons(grid: Grid) -> list[str]:
    return [
        f"* {model}, {runtime}: {record.status}: {record.reason}"
        for (model, runtime), record in grid.records.items()
        if record.status != "ok"
    ]


def head(grid: Grid) -> str:
    record = next(record for record in grid.records.values() if record.status == "ok")
    sides = (record.artefact or {})["input"]
    assert record.gate is not None
    assert record.conditions is not None
    text = HEAD.format(
        inputs=record.gate.n,
        dataset=record.inputs["dataset"]["title"],
        size=f"{sides[2]} × {sides[3]}",
        threads=record.cell.threads,
        batch=record.cell.batch,
        rounds=len(record.measurements["latency"].samples),
        protocol=record.protocol["name"],
        grade=record.conditions.grade,
    )
    packages = ", ".join(f"{name} {version}" for name, version in record.host["packages"].items() if name in SHOWN)
    return f"{text}\n\nHost: {record.host['cpu']}, {record.host['logical_cpus']} processors; {packages}."


SHOWN = ("torch", "timm", "onnxruntime", "openvino", "executorch")


def page(folder: Path) -> str:
    grid = read(folder)
    records = sorted(record.record_id[:16] for record in grid.records.values())
    parts = ["# Twelve architectures through every runtime", NOTICE, head(grid), "## What came of it", summary(grid)]
    for title, (said, table) in TABLES.items():
        parts += [f"## {title}", said, table(grid)]
    parts += ["## Operators that fell back", "\n".join(fallbacks(grid)) or "None."]
    parts += ["## Cells without a time, and why", "\n".join(reasons(grid)) or "None."]
    return "\n\n".join([*parts, "## Records", " ".join(records)]) + "\n"


TABLES: dict[str, tuple[str, Callable[[Grid], str]]] = {
    "Latency": (
        "eager in ms; every other runtime as a ratio to eager's, with its interval (95 %, over the whole table at once).",
        latency_table,
    ),
    "Largest error": (
        "Of all logits of all images, as a share of the reference's largest; the gate's bound for fp32 is 1e-3.",
        error_table,
    ),
    "Precision that was executed": ("Read back from the runtime.", precision_table),
    "Start, seconds": (
        "Load + compile + first call. torch.compile finds the code that the check had compiled (cold: `compile_cold`).",
        start_table,
    ),
    "Peak memory, MB": ("Rise of the process's peak over its size before loading.", memory_table),
    "Deployable file, MB": ("Of every file that is shipped.", size_table),
}


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    (out / "runtimes.md").write_text(page(RUN), encoding="utf-8")


if __name__ == "__main__":
    main()
