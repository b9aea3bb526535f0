"""`backbench lint`: recomputes what tables of results claim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbench.cli.options import Json

if TYPE_CHECKING:
    from backbench.linting.lint import Report


def lint(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Markdown, text, HTML, CSV or TSV.")],
    as_json: Json = False,
) -> None:
    """Recompute what tables of results claim: differences, ratios, units, sizes, MACs, names. Exit 1 on findings."""
    from backbench.linting.lint import lint as check

    reports = [check(file) for file in files]
    if as_json:
        typer.echo(json.dumps([report.data() for report in reports], indent=1, ensure_ascii=False))
    else:
        for report in reports:
            show(report)
    if not all(report.clean for report in reports):
        raise typer.Exit(1)


def show(report: Report) -> None:
    """A line a finding, then how much was read."""
    for finding in report.findings:
        typer.echo(finding.sentence())
    counted = {name: sum(one.severity == name for one in report.findings) for name in ("error", "warning", "note")}
    told = ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in counted.items() if n) or "nothing found"
    tables = "no table of results" if not report.tables else f"{report.tables} table{'' if report.tables == 1 else 's'}"
    typer.echo(f"{report.file}: {tables}, {told}")
