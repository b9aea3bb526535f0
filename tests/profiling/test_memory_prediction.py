"""What counting predicts against what a fresh process really takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from backbench.execute.job import Job
from backbench.execute.local import LocalExecutor
from backbench.measuring.plan import PLANS
from backbench.profiling.part_job import PartJob
from backbench.settings import Settings
from backbench.spec.cell import Cell

HERE = Path(__file__).parent


def test_the_counted_peak_is_the_processes_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    """One tensor of 16 × 1024 × 1024 is 67 MB; three and the image are alive at the peak, and torch may copy one."""
    monkeypatch.chdir(HERE)
    cell = Cell.model_validate(
        {
            "model": "small_networks:wide",
            "dataset": {"name": "random", "options": {"classes": 10}},
            "input": "1x3x1024x1024",
        }
    )
    job = PartJob(cell=cell, settings=Settings(), plan=PLANS["quick"], shapes=((1, 3, 1024, 1024),)).model_dump(
        mode="json"
    )
    with LocalExecutor() as executor:
        results = [
            executor.run(Job(name="profile", payload={"part": kind, "job": job}), threads=1, preload=("torch",))
            for kind in ("counts", "point")
        ]
    counts, point = (outcome.result for outcome in results)
    tensor, image = 16 * 1024 * 1024 * 4, 3 * 1024 * 1024 * 4
    assert counts["points"][0]["live"] == 3 * tensor + image
    assert 3 * tensor <= point["rise"] <= 4 * tensor + 2 * image + 60_000_000
