"""`backbench sensitivity`: which layers cost accuracy when they alone are pruned or quantized."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbench.cli.options import DataRoot, Download, InputShape, Json, settings_of

if TYPE_CHECKING:
    from backbench.tuning.sensitivity import Point, Sensitivity


def sensitivity(
    model: Annotated[str, typer.Argument(help="A model's name, or package.module:function.")],
    dataset: Annotated[str, typer.Option(help="A dataset's name or folder.")],
    technique: Annotated[str, typer.Option(help="prune_channels or quantize_static, with options.")] = "prune_channels",
    ratio: Annotated[
        list[float] | None, typer.Option(help="Share of a layer's channels that goes; repeat. Default 0.25, 0.5, 0.75.")
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="Weights that this recipe trains.")] = None,
    weights: Annotated[str | None, typer.Option(help="pretrained or a file.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the training.")] = 0,
    input: InputShape = None,
    images: Annotated[int, typer.Option(help="Images of the validation part.")] = 1000,
    threads: Annotated[int | None, typer.Option(help="Threads; default all processors.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder for data and plot; default runs/sensitivity-MODEL-TECHNIQUE.")
    ] = None,
    data_root: DataRoot = None,
    download: Download = False,
    as_json: Json = False,
) -> None:
    """Compress one layer at a time and print what it costs on validation images; write a plot. Continues after a kill."""
    from backbench.api import one_cell, reference
    from backbench.records.store import write_atomically
    from backbench.spec.choice import Choice
    from backbench.tuning.layer_by_layer import RATIOS, Wanted
    from backbench.tuning.sensitivity import default_threads
    from backbench.tuning.sensitivity import sensitivity as measure
    from backbench.tuning.sensitivity_plot import svg

    settings = settings_of(data_root, download)
    fields = {"recipe": recipe, "weights": weights, "seed": seed, "input": input}
    cell = one_cell(reference(model), dataset, settings, fields)
    asked = Choice.parse(technique)
    usual = RATIOS if asked.name == "prune_channels" else ()
    wanted = Wanted(cell, asked, tuple(ratio or usual), images, threads or default_threads())
    folder = out or Path("runs") / re.sub(r"[^\w.-]+", "-", f"sensitivity-{model}-{asked.name}")
    found = measure(wanted, settings, folder, lambda text: typer.echo(text, err=True))
    write_atomically(folder / "sensitivity.svg", svg(found))
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    print_table(found)
    typer.echo(f"written: {folder / 'sensitivity.json'}, {folder / 'sensitivity.svg'}")


def print_table(found: Sensitivity) -> None:
    """A row for each layer, the most sensitive first; the interval of the worst setting beside it."""
    right = f"{found.correct / found.n:.2%} ({found.correct} of {found.n} validation images)"
    typer.echo(f"{found.model} on {found.dataset}, {found.technique}; whole: {right}; percentage points, paired 95 %")
    width = max((len(layer) for layer, _ in found.rows()), default=5)
    typer.echo(" ".join([f"{'layer':<{width}}", *(f"{name:>24}" for name in found.settings)]))
    for layer, points in found.worst_first():
        typer.echo(" ".join([f"{layer:<{width}}", *(f"{shown(points.get(name)):>24}" for name in found.settings)]))


def shown(point: Point | None) -> str:
    if point is None or point.interval is None:
        return "–"
    low, high = point.interval
    return f"{point.pp:+.1f} [{low:+.1f}, {high:+.1f}]"
