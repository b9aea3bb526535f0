"""`backbench profile`: where a backbone's time, memory and parameters go, at any input size."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from backbench.cli.options import Json, settings_of
from backbench.errors import UsageError, unknown

Many = list[str] | None


def profile(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...|STUDY.yaml", help="Networks by name, or a study file.")
    ],
    input: Annotated[
        Many, typer.Option(help="BATCHxCHANNELSxHEIGHTxWIDTH, e.g. 1x3x1024x2048; repeat for several.")
    ] = None,
    preset: Annotated[Many, typer.Option(help="cityscapes, voc, imagenet or cifar, instead of --input.")] = None,
    device: Annotated[Many, typer.Option(help="cpu, cuda or cuda:N.")] = None,
    runtime: Annotated[Many, typer.Option(help="A runtime; eager shows blocks, others their own nodes.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of every library alike; default all.")] = None,
    weights: Annotated[str | None, typer.Option(help="random (the default), pretrained or a file.")] = None,
    classes: Annotated[int, typer.Option(help="Outputs of the head.")] = 1000,
    protocol: Annotated[str | None, typer.Option(help="quick or standard.")] = None,
    depth: Annotated[int, typer.Option(min=0, help="How deep into the module tree blocks are timed and shown.")] = 2,
    images: Annotated[Path | None, typer.Option(help="A folder of photographs to hold against random inputs.")] = None,
    skip: Annotated[Many, typer.Option(help="Leave a part out: blocks, inputs, roofline or scaling.")] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Write a trace for Chrome or Perfetto.")] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write a profile for TensorBoard.")] = False,
    out: Annotated[Path | None, typer.Option(help="The folder for the profile; default runs/profile.")] = None,
    max_memory: Annotated[
        str | None,
        typer.Option("--max-memory", help="Memory that a process may use, e.g. 8GB; what needs more is not run."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Profile networks: structure, time by block and operator, memory, roofline, growth; nothing that can't fit is run."""
    from backbench.cli.progress import shown
    from backbench.profiling.pages.writing import write_profiles
    from backbench.profiling.parts import Wanted
    from backbench.profiling.profile import profile_study

    flags = {
        "input": sizes(input, preset), "device": device, "runtime": runtime, "weights": [weights] if weights else None,
        "threads": [threads] if threads else None, "protocol": [protocol] if protocol else None,
    }  # fmt: skip
    study = the_study(models, flags, classes)
    folder = out or Path("runs") / study.name
    wanted = Wanted(depth, images, checked(skip or []), trace, tensorboard)
    with shown() as tell:
        made = profile_study(study, folder, settings_of(max_memory=max_memory), wanted, tell)
    written = write_profiles(folder, made, depth)
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in made]))
    else:
        print_profiles(made, depth)
        typer.echo("written: " + ", ".join(str(path) for path in written[:2]) + f" and {len(written) - 2} plots")
    for each in made:
        if each.status == "failed":
            typer.echo(f"failed: {each.label}: {each.reason}", err=True)
    if any(each.status == "failed" for each in made):
        raise typer.Exit(1)


def sizes(inputs: Many, presets: Many) -> list[str] | None:
    """Both kinds of sizes together; None where neither was said."""
    from backbench.profiling.presets import preset

    found = [*(inputs or []), *map(preset, presets or [])]
    return found or None


def checked(skip: list[str]) -> frozenset[str]:
    from backbench.profiling.profile import SKIPPABLE

    for name in skip:
        if name not in SKIPPABLE:
            raise UsageError(unknown("part", name, SKIPPABLE, "--skip"))
    return frozenset(skip)


def the_study(models: list[str], flags: dict[str, Any], classes: int) -> Any:
    """The study of a file, or of flags alone; flags replace what the file says."""
    from backbench.spec.study import read_study, study_of

    files = [name for name in models if name.endswith((".yaml", ".yml"))]
    if files and len(models) > 1:
        raise UsageError(f"profile: {files[0]} is a study; name it alone, or networks alone")
    base = read_study(Path(files[0])).model_dump(exclude_none=True) if files else usual(classes)
    given = {name: values for name, values in flags.items() if values}
    if not files:
        given = {"model": models, "input": ["1x3x224x224"], **given}
    for name, values in given.items():
        for place in ("fixed", "axes"):
            base[place] = {key: value for key, value in base.get(place, {}).items() if key != name}
        base["fixed" if len(values) == 1 else "axes"][name] = values[0] if len(values) == 1 else values
    return study_of(base, files[0] if files else "flags")


def usual(classes: int) -> dict[str, Any]:
    fixed = {"dataset": f"random:n=2,classes={classes}", "weights": "random", "threads": os.cpu_count() or 1}
    return {"name": "profile", "fixed": fixed, "axes": {}}


def print_profiles(profiles: Any, depth: int) -> None:
    """What fits a terminal; everything stands in the files."""
    from rich.console import Console

    from backbench.profiling.pages.table import Table
    from backbench.profiling.pages.terminal import shown

    console = Console()
    for part in shown(profiles, depth):
        if isinstance(part, Table):
            print_table(console, part)
        else:
            console.print(markup(part), highlight=False)


def print_table(console: Any, table: Any) -> None:
    from rich import box
    from rich.table import Table

    made = Table(title=markup(table.title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column, numeric in zip(table.columns, table.numeric, strict=True):
        made.add_column(markup(column), justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in table.rows:
        made.add_row(*map(markup, row))
    console.print(made)
    for line in table.lines:
        console.print(f"  {markup(line)}", highlight=False)


def markup(text: str) -> str:
    from rich.markup import escape

    return escape(text)
