"""`backbench show`: one record in full, for a person or as the JSON that it is."""

from __future__ import annotations

from pathlib import Path

import typer

from backbench.cli.options import Json, LookIn, Target


def show(target: Target, folder: LookIn = None, as_json: Json = False) -> None:
    """Show a record: the cell with all its options, samples, gate, evidence, conditions and warnings."""
    from backbench.report.lookup import lookup
    from backbench.report.page import page

    found = lookup(target, folder or usual_folders())
    if as_json:
        typer.echo(found.record.model_dump_json(indent=1))
        return
    typer.echo(found.record.cell.label)
    for heading, lines in page(found):
        typer.echo(f"\n{heading}")
        for line in lines:
            typer.echo(f"  {line}")


def usual_folders() -> list[Path]:
    """Where `run` and `demo` write unless told otherwise, as far as they exist."""
    places = [Path("backbench-demo"), *sorted(Path("runs").glob("*")), Path()]
    return [place for place in places if (place / "records").is_dir()]
