"""`backbench checklist`: the reproducibility checklists, filled from a run's records as far as they can know."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    markdown = "markdown"
    json = "json"


def checklist(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    form: Annotated[Format, typer.Option("--format", help="How it is printed.")] = Format.markdown,
) -> None:
    """Fill the ML reproducibility checklist and the ACM badge criteria; what only the author knows is left open."""
    from backbench.verifying.checklist import fill, markdown
    from backbench.verifying.evidence import evidence_of

    filled = fill(evidence_of(run))
    if form is Format.json:
        typer.echo(json.dumps([item.data() for item in filled], indent=1))
        return
    typer.echo(markdown(filled, f"Reproducibility checklists of {run.resolve().name}"))
