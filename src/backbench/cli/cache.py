"""`backbench cache`: what the cache holds, how large it is, and how to be rid of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from backbench.cli.options import read_bytes
from backbench.errors import UsageError
from backbench.settings import default_cache

app = typer.Typer(help="The cache of artefacts, trained weights and decoded datasets.", no_args_is_help=True)
KINDS = ("artefacts", "networks", "exports", "trained", "datasets", "by-cell")


@app.command()
def size() -> None:
    """Print what the cache holds and how large it is."""
    root = default_cache()
    typer.echo(f"{root}")
    for kind in KINDS:
        entries = [path for path in (root / kind).glob("*") if not path.name.startswith(".")]
        typer.echo(f"  {kind:<10} {len(entries):>5} entries {sum(map(bytes_of, entries)) / 1e6:>10.1f} MB")


@app.command()
def clean(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}, or all.")] = "all",
) -> None:
    """Delete cached things; they are made again when they are needed. Records are never kept there."""
    if kind not in (*KINDS, "all"):
        raise UsageError(f"cache clean: unknown kind {kind!r}; allowed: {', '.join(KINDS)}, all")
    for name in KINDS if kind == "all" else (kind,):
        folder = default_cache() / name
        freed = bytes_of(folder)
        shutil.rmtree(folder, ignore_errors=True)
        typer.echo(f"{name}: {freed / 1e6:.1f} MB freed")


@app.command("export")
def export_trained(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where they go, a folder for each.")],
    largest: Annotated[
        str, typer.Option("--max-size", help="Larger weights stay behind; their checksum goes along.")
    ] = "10MB",
) -> None:
    """Copy finished trainings out of the cache, to be kept with their results."""
    from backbench.training.carried import carry_out

    most = read_bytes(largest, "--max-size")
    carried = carry_out(default_cache(), folder, most)
    for target, along in carried:
        typer.echo(f"{target}: {'with' if along else 'without'} its weights")
    if not carried:
        raise UsageError(f"cache export: no finished training in {default_cache() / 'trained'}")


@app.command("import")
def import_trained(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `cache export` wrote.")],
) -> None:
    """Copy finished trainings into the cache: studies that name them then measure without training again."""
    from backbench.training.carried import carry_in

    added = carry_in(folder, default_cache())
    for source, what in added:
        typer.echo(f"{source}: {what}")
    if not added:
        raise UsageError(f"cache import: no training lies in {folder}: it holds no folder with a training.json")


def bytes_of(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
