"""`backbench train`: a network, a dataset, a recipe and a seed to weights with their provenance."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from backbench.cli.options import DataRoot, Deterministic, Download, InputShape, Json, MaxMemory, settings_of


def train(
    model: Annotated[str, typer.Argument(help="A model's name, or package.module:function.")],
    dataset: Annotated[str, typer.Option(help="A dataset's name or folder.")],
    recipe: Annotated[str, typer.Option(help="A recipe's name or file.")] = "cifar10",
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 0,
    weights: Annotated[str | None, typer.Option(help="What to start from: pretrained or a file.")] = None,
    input: InputShape = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads; default all processors.")] = None,
    out: Annotated[Path | None, typer.Option(help="Copy the weights to this .safetensors file.")] = None,
    data_root: DataRoot = None,
    download: Download = False,
    max_memory: MaxMemory = None,
    deterministic: Deterministic = False,
    as_json: Json = False,
) -> None:
    """Train a network; selected on a validation part of train, evaluated once on test. Continues after a kill."""
    from backbench.api import train as train_model
    from backbench.execute.local import wait_shortly

    wait_shortly()  # torch is not loaded yet

    settings = settings_of(data_root, download, max_memory=max_memory, deterministic=deterministic)
    started = time.monotonic()
    done = train_model(
        model, dataset=dataset, recipe=recipe, seed=seed, weights=weights, input=input, device=device,
        threads=threads, out=out, settings=settings, progress=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(done.data()))
        return
    about = done.weights.about
    typer.echo(
        f"validation {about['validation_accuracy']:.2%} ({about['validation_images']} images, epoch "
        f"{about['selected_epoch']} of {about['recipe']['epochs']} selected)"
    )
    typer.echo(f"test top-1 {done.sentence()}")
    minutes, call = about["seconds"] / 60, (time.monotonic() - started) / 60
    typer.echo(f"trained in {minutes:.1f} min, this call took {call:.1f} min")
    typer.echo(f"weights: {out or done.weights.path}  sha256 {done.weights.sha256[:16]}…")
