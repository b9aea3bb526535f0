"""`backbench reproduce`: one cell again, from nothing but its record."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from backbench.cli.options import DataRoot, Download, Json, settings_of
from backbench.cli.verify import TrustCode, conclude


def reproduce(
    target: Annotated[
        str, typer.Argument(metavar="RECORD", help="A record file, or the beginning of a record's or a cell's id.")
    ],
    folder: Annotated[
        list[Path] | None, typer.Option("--in", metavar="DIR", help="Where ids are looked up; default runs/* and here.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the new record in this folder.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Use nothing of the cache: train, transform and export again.")
    ] = False,
    data_root: DataRoot = None,
    download: Download = False,
    trust_code: TrustCode = False,
    as_json: Json = False,
) -> None:
    """Repeat a cell from its record alone: prepare, gate, measure, and hold the two against each other."""
    from backbench.cli.progress import shown
    from backbench.cli.show import usual_folders
    from backbench.report.lookup import lookup
    from backbench.verifying.verify import Terms, reproduce

    record = lookup(target, folder or usual_folders()).record
    settings = settings_of(data_root, download)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="backbench-")))
        if fresh:
            settings = settings.model_copy(update={"cache": scratch / "cache"})
        tell = stack.enter_context(shown())
        findings = reproduce(record, Terms(out or scratch / "run", settings, tell, trust_code))
    conclude(findings, everything=True, as_json=as_json)
