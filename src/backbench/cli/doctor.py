"""`backbench doctor`: how far timings on this host can be trusted, and why."""

from __future__ import annotations

import json

import typer

from backbench.cli.options import Json


def doctor(as_json: Json = False) -> None:
    """Grade this host (A to D) for measuring, with the reasons, and say which runtimes are usable."""
    from backbench.catalogue import REGISTRIES, usable
    from backbench.measuring.host_grade import grade
    from backbench.records.environment import host

    found = grade()
    runtimes = {name: usable(name) for name in REGISTRIES["runtimes"].names()}
    if as_json:
        typer.echo(
            json.dumps(
                {"grade": found.letter, "reasons": found.sentences(), "host": host(), "runtimes": runtimes}, indent=1
            )
        )
        return
    about = host()
    typer.echo(
        f"host grade {found.letter}: {about['cpu']}, {about['logical_cpus']} processors, {about['ram'] / 1e9:.0f} GB"
    )
    for sentence in found.sentences():
        typer.echo(f"  {sentence}")
    typer.echo(f"instruction sets: {', '.join(about['isa']) or 'none known'}; GPU: {about['gpu'] or 'none'}")
    for name, missing in runtimes.items():
        typer.echo(f"runtime {name}: {missing or 'usable'}")
