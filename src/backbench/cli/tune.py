"""`backbench tune`: the fastest way to run one network that keeps its accuracy."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backbench.cli.options import AllowUntrained, DataRoot, Download, InputShape, Json, settings_of
from backbench.errors import UsageError

if TYPE_CHECKING:
    from backbench.report.rows import Row
    from backbench.spec.cell import Cell
    from backbench.tuning.search import Tuned

OBJECTIVES = ("latency", "throughput")


def tune(
    model: Annotated[str, typer.Argument(help="A model's name, or package.module:function.")],
    dataset: Annotated[str, typer.Option(help="A dataset's name or folder.")],
    weights: Annotated[str | None, typer.Option(help="random, pretrained or a file.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Weights that this recipe trains.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the training.")] = 0,
    input: InputShape = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    objective: Annotated[str, typer.Option(help="latency (batch 1) or throughput (several batches).")] = "latency",
    max_drop: Annotated[float, typer.Option(help="Percentage points of accuracy that may be lost.")] = 0.5,
    threads: Annotated[int, typer.Option(help="The most threads that may be used.")] = 1,
    finalists: Annotated[int, typer.Option(help="How many settings are measured fully.")] = 4,
    protocol: Annotated[str, typer.Option(help="How the finalists are measured: standard or quick.")] = "standard",
    space: Annotated[Path | None, typer.Option(help="A YAML file of runtimes and techniques to try.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder for records and reports; default runs/tune-MODEL.")
    ] = None,
    data_root: DataRoot = None,
    download: Download = False,
    allow_untrained: AllowUntrained = False,
    as_json: Json = False,
) -> None:
    """Search runtimes, precisions, layouts, threads and batches for the best setting that keeps the accuracy."""
    from backbench.cli.progress import shown
    from backbench.cli.report import print_written
    from backbench.report.writing import make_report
    from backbench.tuning.search import SWEEP, Wanted
    from backbench.tuning.search import tune as search
    from backbench.tuning.space import read_space, thread_counts

    check(objective, max_drop, threads, finalists)
    fixed = {
        "model": model, "dataset": dataset, "weights": weights, "recipe": recipe, "seed": seed, "input": input,
        "device": device,
    }  # fmt: skip
    wanted = Wanted(
        fixed={name: value for name, value in fixed.items() if value is not None},
        settings=read_space(space),
        threads=thread_counts(threads),
        batches=SWEEP if objective == "throughput" else (1,),
        max_drop=max_drop / 100,
        finalists=finalists,
        protocol=protocol,
    )
    folder = out or Path("runs") / f"tune-{model.replace(':', '-').replace('/', '-')}"
    with shown() as tell:
        found = search(wanted, folder, settings_of(data_root, download, allow_untrained), tell)
    written = make_report(found.folder, [found.folder])
    if as_json:
        typer.echo(json.dumps(data_of(found), indent=1))
        return
    print_written(written)
    for line in answer(found, objective):
        typer.echo(line)


def check(objective: str, max_drop: float, threads: int, finalists: int) -> None:
    if objective not in OBJECTIVES:
        raise UsageError(f"--objective {objective!r}; allowed: {', '.join(OBJECTIVES)}")
    if max_drop < 0:
        raise UsageError(f"--max-drop {max_drop:g}: percentage points that may be lost, 0 or more")
    if threads < 1 or finalists < 1:
        raise UsageError("--threads and --finalists are 1 or more")


def answer(found: Tuned, objective: str) -> list[str]:
    """The best setting, what can't be told from it, what it rests on."""
    best, base = found.best, found.baseline
    times = seconds(base) / seconds(best)
    lines = [
        f"best: {setting(best)}: {speed(best, objective)}; eager: {speed(base, objective)} ({times:.2f} times as long)",
        *(f"  can't be told from it: {setting(row)}: {speed(row, objective)}" for row in found.ties),
    ]
    if best.accuracy and base.accuracy:
        lines.append(f"accuracy: {accuracy(best)}, eager {accuracy(base)}")
    else:
        lines.append("accuracy: none; only the agreement of the outputs was checked")
    lines += [f"on the Pareto front: {setting(row)}: {speed(row, objective)}, {accuracy(row)}" for row in found.front]
    lines.append(f"artefact: {(best.record.artefact or {}).get('id')}; records and report: {found.folder}")
    lines.append(f"its file: {export_command(best.cell)}")
    return lines


def accuracy(row: Row) -> str:
    return f"{row.accuracy.estimate:.2%}" if row.accuracy else "no accuracy"


def export_command(cell: Cell) -> str:
    """The line that writes this cell's artefact as a file of one's own."""
    from backbench.artefacts.deploy import TARGETS, format_for
    from backbench.spec.choice import chain_text

    to = format_for(cell.runtime.name)
    named = re.sub(r"\W+", "-", cell.model.name) + TARGETS[to].endings[0]
    said = {
        "dataset": cell.dataset, "weights": cell.weights, "recipe": cell.recipe, "seed": cell.seed,
        "input": "x".join(map(str, cell.input)) if cell.input else None,
        "technique": chain_text(cell.technique), "to": to, "out": named,
    }  # fmt: skip
    options = (f"--{name} {shlex.quote(str(value))}" for name, value in said.items() if value not in (None, "none"))
    return " ".join(["backbench export", shlex.quote(str(cell.model)), *options])


def setting(row: Row) -> str:
    from backbench.spec.choice import chain_text

    cell = row.cell
    return f"{cell.runtime}, technique {chain_text(cell.technique)}, {cell.threads} threads, batch {cell.batch}"


def seconds(row: Row) -> float:
    from backbench.tuning.search import seconds_per_image

    return seconds_per_image(row)


def speed(row: Row, objective: str) -> str:
    assert row.latency is not None
    if objective == "throughput":
        return f"{row.cell.batch / row.latency.median:.1f} images/s (±{row.latency.half_width:.1%})"
    return f"{row.latency.median * 1e3:.4g} ms (±{row.latency.half_width:.1%})"


def data_of(found: Tuned) -> dict[str, Any]:
    """The ranking and what was dropped, as plain data: seconds and shares."""
    return {
        "ranked": [row_data(row) for row in found.ranked],
        "baseline": row_data(found.baseline),
        "ties": [row.cell.id for row in found.ties],
        "front": [row.cell.id for row in found.front],
        "dropped": [{"cell": cell.model_dump(mode="json"), "reason": reason} for cell, reason in found.dropped],
        "folder": str(found.folder),
    }


def row_data(row: Row) -> dict[str, Any]:
    assert row.latency is not None
    return {
        "cell_id": row.cell.id,
        "cell": row.cell.model_dump(mode="json"),
        "artefact": (row.record.artefact or {}).get("id"),
        "latency_s": row.latency.median,
        "low_s": row.latency.low,
        "high_s": row.latency.high,
        "seconds_per_image": seconds(row),
        "accuracy": row.accuracy.estimate if row.accuracy else None,
    }
