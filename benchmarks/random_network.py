"""One network with random weights and random images, prepared as a study would: what the other programs time."""

from __future__ import annotations

import argparse
from pathlib import Path

from backbench.api import one_cell
from backbench.artefacts.artefact import Artefact
from backbench.execute import cell_jobs
from backbench.execute.local import LocalExecutor
from backbench.settings import Settings
from backbench.spec.cell import Cell


def eager_cell(model: str, arguments: argparse.Namespace) -> Cell:
    """The cell of `--input` and `--threads`: eager, fp32."""
    fields = {"weights": "random", "threads": arguments.threads, "input": arguments.input, "runtime": "eager"}
    size = arguments.input.split("x", 2)[2]
    return one_cell(model, f"random:size={size}", Settings(), fields)


def prepared(executor: LocalExecutor, cell: Cell) -> Artefact:
    return Artefact.open(Path(cell_jobs.prepare(executor, cell, Settings(), print).value()["folder"]))
