"""`backbench explain`: what a record's techniques changed and what not, why, and what would help."""

from __future__ import annotations

import json

import typer

from backbench.cli.options import Json, LookIn, Target


def explain(target: Target, folder: LookIn = None, as_json: Json = False) -> None:
    """Say what was really changed: fewer parameters, smaller file, fewer MACs, faster here, accuracy; why; the remedy."""
    from backbench.cli.show import usual_folders
    from backbench.report import explain as explaining
    from backbench.report.lookup import lookup

    found = explaining.explain(lookup(target, folder or usual_folders()))
    if as_json:
        typer.echo(json.dumps(found.data(), indent=1))
        return
    typer.echo(f"{found.label}\n{found.against}\n")
    for verdict in found.verdicts:
        typer.echo(f"  {verdict}")
    for title, lines in (("why", found.causes), ("evidence, technique by technique", found.evidence)):
        if lines:
            typer.echo(f"\n{title}")
        for line in lines:
            typer.echo(f"  {line}")
