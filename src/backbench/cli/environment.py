"""`backbench environment`: the packages, code and machine of a run, for a person or as files for pip, conda and Docker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from backbench.cli.options import Json


def environment(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="A run's folder; default: this environment.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write requirements.lock, environment.yml and Dockerfile here.")
    ] = None,
    hashes: Annotated[
        list[Path] | None, typer.Option("--hashes", metavar="LOCK", help="A lock to take hashes of files from; repeat.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a run was made with, or write it down so that it can be installed again."""
    from backbench.records.lock import known_hashes
    from backbench.records.manifest import environment_of
    from backbench.verifying.environment_files import export as write_files

    manifest, have = environment_of(run)
    if export is not None:
        written = write_files(manifest, have, known_hashes(hashes or []), export)
        typer.echo("written: " + ", ".join(str(path) for path in written))
        return
    if as_json:
        typer.echo(
            manifest.model_dump_json(indent=1, include={"tool", "source_sha256", "packages", "environment", "host"})
        )
        return
    tool, host = manifest.tool, manifest.host
    typer.echo(f"backbench {tool['version']}, commit {tool['commit']}{' with changes' if tool['dirty'] else ''}")
    typer.echo(f"Python {host['python']} on {host['kernel']}, {host['cpu']}")
    for name, value in manifest.environment.items():
        typer.echo(f"{name}={json.dumps(value)}")
    typer.echo(f"{len(manifest.packages)} packages:")
    for name, version in manifest.packages.items():
        typer.echo(f"  {name}=={version}" + ("  (from its source)" if name in have.local else ""))
