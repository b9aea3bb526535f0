"""`backbench report`: records of one or more folders as tables, words, CSV and plots. Needs no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from backbench.cli.options import Json


def report(
    dirs: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders of runs (or record files), from any machine.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The folder for report.md, report.csv and the plots; default the first DIR.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Report on records: merged where their conditions are alike, kept apart where not."""
    from backbench.report.csv import values
    from backbench.report.markdown import write_report
    from backbench.report.reading import records_in
    from backbench.report.section import sections
    from backbench.report.terminal import print_table

    if as_json:
        rows = [values(section, row) for section in sections(records_in(dirs)) for row in section.rows]
        typer.echo(json.dumps(rows, indent=1))
        return
    written = write_report(out or home(dirs[0]), dirs)
    print_table(dirs)
    typer.echo("written: " + ", ".join(str(path) for path in written))


def home(path: Path) -> Path:
    """Where the report goes unless said: the run's folder, or the one that holds the record file."""
    return path.parent if path.is_file() else path
