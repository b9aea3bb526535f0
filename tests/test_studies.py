"""The studies that ship with the project: each is read, says what it takes, and names only what exists."""

from __future__ import annotations

import re
from math import prod
from pathlib import Path

import pytest

from backbench.catalogue import REGISTRIES, resolve
from backbench.settings import Settings
from backbench.spec.study import expand, read_study

STUDIES = sorted((Path(__file__).parent.parent / "studies").glob("*.yaml"))
NEEDS_DATA = {"cifar10", "emnist-bymerge47", "imagenet-sample"}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_says_its_command_time_and_result(path: Path) -> None:
    head = re.match(r"(#[^\n]*\n)+", path.read_text())
    assert head is not None
    assert f"backbench run studies/{path.name}" in head[0]
    assert all(f"# {word}:" in head[0] for word in ("command", "time", "expected"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_expands_to_its_cells(path: Path, request: pytest.FixtureRequest) -> None:
    study = read_study(path)
    assert study.name == path.stem
    dataset = str(study.fixed["dataset"]).partition(":")[0]
    root = request.getfixturevalue("test_data") if dataset in NEEDS_DATA else Path()
    planned = expand(study, resolve(Settings(data_root=root)), path.name)
    grids = [study.axes, *({**study.axes, **entry} for entry in study.include)]
    listed = [[value if isinstance(value, list) else [value] for value in grid.values()] for grid in grids]
    assert len(planned) == sum(prod(map(len, values)) for values in listed)
    skipped = [plan.skip for plan in planned if plan.skip]
    here = {plan.cell.runtime.name: REGISTRIES["runtimes"].get(plan.cell.runtime.name).missing() for plan in planned}
    reasons = [*(rule.reason for rule in study.exclude), *filter(None, here.values())]
    assert all(any(reason in skip for reason in reasons) for skip in skipped)
