"""`backbench cache`: what the cache holds, how large it is, and how to be rid of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from backbench.errors import UsageError
from backbench.settings import default_cache

app = typer.Typer(help="The cache of artefacts, trained weights and decoded datasets.", no_args_is_help=True)
KINDS = ("artefacts", "trained", "datasets", "by-cell")


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


def bytes_of(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
