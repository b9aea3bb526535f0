"""The metric that the docs show, measured on the fake runtime."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from artefact_builder import fake_cell, make_artefact

from backbench.errors import Skip
from backbench.measuring.metric import Metric
from backbench.measuring.plan import PLANS
from backbench.measuring.sample import SampleJob, open_bench
from backbench.runtimes.fake import CLOCK
from backbench.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "metric.md"


def shown() -> type[Metric]:
    text = re.search(r"```python[^\n]*\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert text
    names: dict[str, Any] = {"__name__": "shown"}
    exec(compile(text[1], str(PAGE), "exec"), names)  # the docs' own code is what is tested
    return names["AfterPause"]


def measured(folder: Path, **cell: Any) -> list[Any]:
    make_artefact(folder)
    job = SampleJob(
        artefact=folder,
        cell=fake_cell("fake:delays=0.003", **cell),
        settings=Settings(),
        plan=PLANS["quick"],
        round=2,
    )
    with open_bench(job, clock=CLOCK) as bench:
        return shown()(pause=0.0, calls=3).measure(bench)


def test_the_metric_of_the_docs_measures(tmp_path: Path) -> None:
    [sample] = measured(tmp_path)
    assert (sample.round, sample.values, sample.data) == (2, (0.003,) * 3, {"pause": 0.0})


def test_the_metric_of_the_docs_says_why_it_does_not(tmp_path: Path) -> None:
    with pytest.raises(Skip, match="decoding would be most of it"):
        measured(tmp_path, boundary="end-to-end")
