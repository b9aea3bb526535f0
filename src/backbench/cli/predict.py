"""`backbench predict`: what a network sees in images of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from backbench.cli.options import DataRoot, InputShape, Json, settings_of
from backbench.errors import UsageError


def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    model: Annotated[str, typer.Option(help="A model's name, or package.module:function.")],
    dataset: Annotated[str, typer.Option(help="The dataset whose classes the network knows.")],
    weights: Annotated[str | None, typer.Option(help="pretrained or a file.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Weights that this recipe trains.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the training.")] = 0,
    input: InputShape = None,
    runtime: Annotated[str, typer.Option(help="The runtime that computes.")] = "eager",
    top: Annotated[int, typer.Option(help="How many classes to print.")] = 3,
    data_root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Print the likeliest classes of each image."""
    from backbench.api import predict as predict_images

    for path in images:
        if not path.is_file():
            raise UsageError(f"{path}: there is no such image file")
    found = predict_images(
        images, model, dataset=dataset, weights=weights, recipe=recipe, seed=seed, input=input, runtime=runtime,
        top=top, settings=settings_of(data_root),
    )  # fmt: skip
    if as_json:
        typer.echo(json.dumps([{"path": str(item.path), "classes": item.classes} for item in found]))
        return
    for item in found:
        typer.echo(f"{item.path}: " + ", ".join(f"{name} {share:.1%}" for name, share in item.classes))
