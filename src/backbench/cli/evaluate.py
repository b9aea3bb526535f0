"""`backbench evaluate`: the accuracy of one network through the runtime that would be timed."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from backbench.cli.options import AllowUntrained, DataRoot, Download, InputShape, Json, settings_of


def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name, or package.module:function.")],
    dataset: Annotated[str, typer.Option(help="A dataset's name or folder.")],
    weights: Annotated[str | None, typer.Option(help="pretrained or a file.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Weights that this recipe trains.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the training.")] = 0,
    technique: Annotated[str, typer.Option(help="A chain of techniques.")] = "none",
    runtime: Annotated[str, typer.Option(help="The runtime that computes.")] = "eager",
    input: InputShape = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    threads: Annotated[int, typer.Option(help="Threads of every library alike.")] = 1,
    data_root: DataRoot = None,
    download: Download = False,
    allow_untrained: AllowUntrained = False,
    as_json: Json = False,
) -> None:
    """Gate a network against eager fp32 and print its test accuracy with its interval."""
    from backbench.api import evaluate as evaluate_cell
    from backbench.errors import BackbenchError
    from backbench.statistics.accuracy import wilson

    done = evaluate_cell(
        model, dataset=dataset, weights=weights, recipe=recipe, seed=seed, technique=technique, runtime=runtime,
        input=input, device=device, threads=threads, settings=settings_of(data_root, download, allow_untrained),
        progress=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    if done.predictions is None:
        raise BackbenchError(f"no accuracy: {done.reason}")
    correct, n = int(done.predictions.correct().sum()), done.predictions.n
    interval = wilson(correct, n)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "correct": correct,
                    "n": n,
                    "accuracy": correct / n,
                    "low": interval.low,
                    "high": interval.high,
                    "gate": done.gate.model_dump(),
                }
            )
        )
        return
    typer.echo(f"{done.cell.label} on {done.artefact.inputs['dataset']['title']}")
    typer.echo(
        f"top-1 {correct / n:.2%} [{interval.low:.2%}, {interval.high:.2%}] ({correct} of {n} test images, 95 % Wilson)"
    )
    typer.echo(
        f"gate: {done.gate.agreement:.1%} of {done.gate.n} arg-maxes equal to eager fp32, "
        f"max error {done.gate.max_error:.2g}"
    )
    if not done.gate.passed:
        raise typer.Exit(1)
