"""`backbench run`: a study from its file or from flags to its records and report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from backbench.cli.options import AllowUntrained, DataRoot, Deterministic, Download, Json, MaxMemory, settings_of
from backbench.errors import UsageError
from backbench.spec.study import Planned, Study, expand, overridden, read_study, study_of

Many = list[str] | None
MAKING = {"model", "weights", "recipe", "technique"}  # what a finished file was made with, whether it says so or not
CHOSEN_HERE = {"runtime", "dataset"}  # what it says and may yet be another: its own images may stand elsewhere


def run(
    study: Annotated[
        Path | None, typer.Argument(metavar="[STUDY.yaml]", help="A study file; or say it all in flags.")
    ] = None,
    override: Annotated[
        Many,
        typer.Option(
            "-o", "--override", metavar="KEY=VALUE", help="Replace a value of the study, e.g. -o axes.model=[a,b]."
        ),
    ] = None,
    model: Annotated[Many, typer.Option(help="A model; repeat for an axis.")] = None,
    weights: Annotated[Many, typer.Option(help="random, pretrained or a file.")] = None,
    dataset: Annotated[Many, typer.Option(help="A dataset's name or folder.")] = None,
    recipe: Annotated[Many, typer.Option(help="Train with this recipe first.")] = None,
    seed: Annotated[Many, typer.Option(help="Seed of training and of random weights.")] = None,
    technique: Annotated[Many, typer.Option(help="A chain such as quantize_static:calibration=512.")] = None,
    runtime: Annotated[Many, typer.Option(help="A runtime such as onnxruntime:precision=fp32.")] = None,
    device: Annotated[Many, typer.Option(help="cpu, cuda or cuda:N.")] = None,
    threads: Annotated[Many, typer.Option(help="Threads of every library alike.")] = None,
    batch: Annotated[Many, typer.Option(help="Images per call.")] = None,
    boundary: Annotated[Many, typer.Option(help="What is timed: model, host or end-to-end.")] = None,
    input: Annotated[Many, typer.Option(help="BATCHxCHANNELSxHEIGHTxWIDTH.")] = None,
    protocol: Annotated[str | None, typer.Option(help="quick or standard.")] = None,
    artefact: Annotated[
        Path | None, typer.Option(help="Measure this exported file; it says its model, dataset and technique itself.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder for records and report; default runs/NAME.")] = None,
    data_root: DataRoot = None,
    download: Download = False,
    allow_untrained: AllowUntrained = False,
    max_memory: MaxMemory = None,
    deterministic: Deterministic = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cells and what they will cost; run nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a study: train, compress, export, check and measure its cells, and write the report."""
    flags = {
        "model": model, "weights": weights, "dataset": dataset, "recipe": recipe, "seed": seed, "technique": technique,
        "runtime": runtime, "device": device, "threads": threads, "batch": batch, "boundary": boundary, "input": input,
    }  # fmt: skip
    if dry_run and artefact is not None:
        raise UsageError("run: --artefact makes nothing, so there is nothing for --dry-run to foretell")
    asked = the_study(study, override or [], flags, protocol, artefact)
    settings = settings_of(data_root, download, allow_untrained, max_memory, deterministic, artefact)
    if dry_run:
        print_plan(asked, settings_plan(asked, settings), as_json)
        return
    run_and_report(asked, out or Path("runs") / asked.name, settings, as_json)


def the_study(
    path: Path | None, overrides: list[str], flags: dict[str, Many], protocol: str | None, artefact: Path | None = None
) -> Study:
    """The study of a file or of flags alone; flags replace what the file, or the exported artefact, says."""
    if path is None and artefact is None and not flags["model"]:
        raise UsageError("run: name a study file, or at least --model and --dataset")
    if path is not None and artefact is not None:
        raise UsageError("run: --artefact measures one file; it can't be combined with a study file")
    base = read_study(path, overrides).model_dump(exclude_none=True) if path else flags_only(overrides)
    if artefact is not None:
        base = of_artefact(artefact, base, flags)
    given = {name: [scalar(name, value) for value in values] for name, values in flags.items() if values}
    for name, values in given.items():
        for place in ("fixed", "axes"):
            base[place] = {key: value for key, value in base.get(place, {}).items() if key != name}
        base["fixed" if len(values) == 1 else "axes"][name] = values[0] if len(values) == 1 else values
    if protocol:
        base.setdefault("fixed", {})["protocol"] = protocol
    return study_of(base, str(path) if path else "flags")


def of_artefact(artefact: Path, base: dict[str, Any], flags: dict[str, Many]) -> dict[str, Any]:
    """The study with what the file says of itself. Raises UsageError where it is told how the file was made, or
    nothing says which dataset it is for.
    """
    from backbench.artefacts.imported import fields_of

    own = fields_of(artefact)
    asked = {*base.get("fixed", {}), *base.get("axes", {}), *(name for name, values in flags.items() if values)}
    if told := sorted(asked & (own.keys() | MAKING) - CHOSEN_HERE):
        name = told[0]
        raise UsageError(
            f"run: {name}: --artefact {artefact} is a finished file, and nothing here changes how it was made: "
            f"leave {name} out; to make another file: backbench run --model … --{name} …"
        )
    if "dataset" not in asked | own.keys():
        raise UsageError(
            f"run: --dataset is missing: {artefact} does not say what it classifies; "
            "name a dataset or a folder, or random for its speed alone"
        )
    return {**base, "fixed": {**own, **base.get("fixed", {})}}


def flags_only(overrides: list[str]) -> dict[str, Any]:
    base: dict[str, Any] = {"name": "run"}
    for override in overrides:
        base = overridden(base, override)
    return base


def scalar(name: str, value: str) -> Any:
    """A flag's text as the study's value: whole numbers where the field is one."""
    if name not in ("seed", "threads", "batch"):
        return value
    try:
        return int(value)
    except ValueError:
        raise UsageError(f"--{name} {value!r} is not a whole number") from None


def settings_plan(study: Study, settings: Any) -> list[Planned]:
    from backbench.catalogue import resolve

    return expand(study, resolve(settings), study.name)


def print_plan(study: Study, planned: list[Planned], as_json: bool) -> None:
    """The cells, the expected time and, last since it takes seconds, the expected disk."""
    from backbench.estimate import disk_bytes, estimate

    expected = estimate(study, planned)
    if as_json:
        cells = [{"id": plan.cell.id, "skip": plan.skip, **plan.cell.model_dump(mode="json")} for plan in planned]
        expected |= {"disk_bytes": disk_bytes(planned)}
        typer.echo(json.dumps({"cells": cells, "expected": expected}, indent=1))
        return
    for plan in planned:
        typer.echo(f"{plan.cell.id}  {plan.cell.label}" + (f"  (skipped: {plan.skip})" if plan.skip else ""))
    low, high = expected["measuring_s"]
    typer.echo(f"{len(planned)} cells, {sum(1 for plan in planned if plan.skip)} of them skipped")
    typer.echo(f"measuring: {low / 60:.1f} to {high / 60:.1f} minutes; training: {expected['training']}")
    typer.echo(f"disk: about {disk_bytes(planned) / 1e6:.0f} MB of artefacts")


def run_and_report(study: Study, out: Path, settings: Any, as_json: bool) -> None:
    """The study with its progress on the terminal, then the table; exit code 1 where a cell failed."""
    from backbench.cli.progress import shown
    from backbench.cli.report import print_written
    from backbench.pipeline import run_study
    from backbench.report.writing import make_report

    with shown() as tell:
        records = run_study(study, out, settings, tell)
    written = make_report(out, [out])
    if as_json:
        typer.echo(json.dumps([record.model_dump(mode="json") for record in records]))
    else:
        print_written(written)
    failed = [record for record in records if record.status == "failed"]
    for record in failed:
        typer.echo(f"failed: {record.cell.label}: {record.reason}", err=True)
    if failed:
        raise typer.Exit(1)
