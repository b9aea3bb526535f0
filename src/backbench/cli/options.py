"""The options that several verbs share, each said once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from backbench.errors import UsageError
from backbench.settings import Settings, default_cache, default_data_root

DataRoot = Annotated[
    Path | None, typer.Option("--data-root", help="Where datasets lie; else BACKBENCH_DATA, else the cache folder.")
]
Download = Annotated[bool, typer.Option("--download", help="Download a dataset that is not there yet.")]
AllowUntrained = Annotated[
    bool, typer.Option("--allow-untrained", help="Record a head that was never trained, as chance, with a warning.")
]
InputShape = Annotated[
    str | None, typer.Option("--input", help="BATCHxCHANNELSxHEIGHTxWIDTH; the network's own size unless said.")
]
MaxMemory = Annotated[
    str | None, typer.Option("--max-memory", help="Memory that training may use, e.g. 4GB; batches are split to fit.")
]
Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="Train with kernels that repeat bit by bit, or say which one can't.")
]
Json = Annotated[bool, typer.Option("--json", help="Print data instead of a table.")]

Target = Annotated[
    str, typer.Argument(metavar="CELL|RECORD", help="A record file, or the beginning of a cell's or a record's id.")
]
LookIn = Annotated[
    list[Path] | None, typer.Option("--in", metavar="DIR", help="Where ids are looked up; default runs/* and here.")
]

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def settings_of(
    data_root: Path | None = None,
    download: bool = False,
    allow_untrained: bool = False,
    max_memory: str | None = None,
    deterministic: bool = False,
    artefact: Path | None = None,
) -> Settings:
    """The settings that the flags mean."""
    return Settings(
        data_root=(data_root or default_data_root()).expanduser().resolve(),
        cache=default_cache().expanduser().resolve(),
        download=download,
        allow_untrained=allow_untrained,
        max_memory=None if max_memory is None else read_bytes(max_memory, "--max-memory"),
        deterministic=deterministic,
        artefact=None if artefact is None else artefact.expanduser().resolve(),
    )


def read_bytes(text: str, option: str) -> int:
    """`4GB` as 4,000,000,000. Raises UsageError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if not found or found[2].upper() not in UNITS:
        raise UsageError(f"{option} {text!r}: a number and one of B, KB, MB, GB, KiB, MiB, GiB, e.g. 4GB")
    return int(float(found[1]) * UNITS[found[2].upper()])
