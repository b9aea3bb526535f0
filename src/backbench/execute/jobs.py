"""The functions that jobs name: plain data in, plain data out, each in a process of its own."""

from __future__ import annotations

from typing import Any

from backbench.execute.job import Report
from backbench.settings import Settings
from backbench.spec.cell import Cell


def prepare_cell(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """{cell, settings} → {folder} of the finished artefact, made from the cell or from the file that is given."""
    from backbench.artefacts.imported import imported
    from backbench.artefacts.prepare import prepare
    from backbench.runtimes import REGISTRY

    cell, settings = Cell.model_validate(payload["cell"]), Settings.model_validate(payload["settings"])
    runtime = REGISTRY.get(cell.runtime.name)
    if settings.artefact is not None:
        artefact = imported(settings.artefact, cell, settings, (runtime.format, *runtime.also))
    else:
        artefact = prepare(cell, settings, report, format=runtime.format)
    return {"folder": str(artefact.folder)}


def check_cell(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """A CheckJob → a CheckResult."""
    from backbench.measuring.check import CheckJob, check

    return check(CheckJob.model_validate(payload)).model_dump(mode="json")


def sample_cell(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """A SampleJob → a SampleResult."""
    from backbench.measuring.sample import SampleJob, take_sample

    return take_sample(SampleJob.model_validate(payload)).model_dump(mode="json")


def run_canary(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """{threads} → {seconds} of the fixed load."""
    from backbench.measuring.canary import canary

    return {"seconds": canary(int(payload["threads"]))}
