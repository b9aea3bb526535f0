"""`backbench recommend`: what to ship within these limits, from records, with the evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from backbench.cli.options import Json
from backbench.cli.report import say_faults

EXIT = {"fits": 0, "can't tell": 3, "none": 1}


def recommend(
    dirs: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of runs (or record files).")],
    max_latency: Annotated[str | None, typer.Option(help="E.g. 5ms; the median of a call.")] = None,
    max_size: Annotated[str | None, typer.Option(help="E.g. 4MB; of the deployable files.")] = None,
    max_memory: Annotated[str | None, typer.Option(help="E.g. 200MB; the peak's rise.")] = None,
    max_macs: Annotated[str | None, typer.Option(help="E.g. 300M, of one image.")] = None,
    max_energy: Annotated[str | None, typer.Option(help="E.g. 0.5J, of one image.")] = None,
    min_accuracy: Annotated[str | None, typer.Option(help="E.g. 90 or 90%.")] = None,
    min_throughput: Annotated[str | None, typer.Option(help="E.g. 100img/s, at the best batch.")] = None,
    as_json: Json = False,
) -> None:
    """Recommend a cell that fits the limits: the most accurate, of equals the fastest; or say what is nearest.

    Exit code 0 where one surely fits, 3 where it can't be told, 1 where none does.
    """
    from backbench.report.advice import advise, overall
    from backbench.report.advice_words import data, lines
    from backbench.report.limits import read_limit
    from backbench.report.survey import survey

    given = {
        "max-latency": max_latency,
        "max-size": max_size,
        "max-memory": max_memory,
        "max-macs": max_macs,
        "max-energy": max_energy,
        "min-accuracy": min_accuracy,
        "min-throughput": min_throughput,
    }
    limits = [read_limit(option, text) for option, text in given.items() if text is not None]
    found = survey(dirs)
    answers = [advise(section, limits) for section in found.sections]
    if as_json:
        typer.echo(json.dumps([data(answer) for answer in answers], indent=1))
    else:
        typer.echo("\n\n".join("\n".join(lines(answer)) for answer in answers))
    say_faults(found.fault_lines)
    raise typer.Exit(EXIT[overall(answers)])
