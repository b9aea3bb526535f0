"""`backbench report`: records of one or more folders as tables, words, HTML, CSV and plots. Needs no torch."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbench.cli.options import Json

if TYPE_CHECKING:
    from backbench.report.writing import Written


def report(
    dirs: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders of runs (or record files), from any machine.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The folder for report.md, report.html, report.csv and the plots; default the first DIR."),
    ] = None,
    published: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Put a published document beside the records; `list published` names them."),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Write timm-csv, model-index, mlflow or parquet instead; repeat for several.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Report on records: merged where their conditions are alike, kept apart where not.

    A file that can't be used is listed on top, the rest is reported, and the exit code is 1.
    """
    from backbench.report.writing import make_report

    gc.disable()  # ten thousand records are a million objects without cycles: looking for some takes seconds
    folder = out or home(dirs[0])
    if as_json:
        print_json(dirs)
    elif formats:
        export(folder, dirs, formats)
    else:
        written = make_report(folder, dirs, published)
        print_written(written)
        raise typer.Exit(1 if written.shown.faults else 0)


def home(path: Path) -> Path:
    """Where the report goes unless said: the run's folder, or the one that holds the record file."""
    return path.parent if path.is_file() else path


def print_json(dirs: Sequence[Path]) -> None:
    from backbench.report.csv import values
    from backbench.report.survey import survey

    found = survey(dirs)
    typer.echo(json.dumps([values(section, row) for section in found.sections for row in section.rows], indent=1))
    say_faults(found.fault_lines)


def export(folder: Path, dirs: Sequence[Path], formats: Sequence[str]) -> None:
    from backbench.report.exporters import exporter
    from backbench.report.survey import survey

    chosen = [exporter(name) for name in formats]
    found = survey(dirs)
    paths = [path for write in chosen for path in write(found.sections, folder)]
    typer.echo("written: " + ", ".join(map(str, paths)))
    say_faults(found.fault_lines)


def say_faults(lines: Sequence[str]) -> None:
    """On stderr, with exit code 1, where there are any."""
    for line in lines:
        typer.echo(line, err=True)
    if lines:
        raise typer.Exit(1)


def print_written(written: Written) -> None:
    """The tables, and where the files are."""
    from rich.console import Console

    from backbench.report.terminal import show

    show(written.shown, Console())
    typer.echo("written: " + ", ".join(map(str, written.paths)))
