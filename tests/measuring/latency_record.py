"""A record whose latency samples hold what a test says."""

from __future__ import annotations

from typing import Any

from backbench.measuring.plan import PLANS
from backbench.records.schema import Measurement, Record, Sample
from backbench.spec.cell import Cell


def latency_record(data: dict[str, Any], processes: int = 5) -> Record:
    """Every process measured 1 ms, three times; two threads, the standard protocol."""
    cell = Cell.model_validate({"model": "resnet20", "dataset": "digits", "threads": 2})
    samples = tuple(Sample(round=number, values=(0.001,) * 3, data=data) for number in range(processes))
    return Record(
        created_utc="2026-11-20T10:00:00Z",
        tool={},
        study="example",
        cell_id=cell.id,
        cell=cell,
        protocol=PLANS["standard"].model_dump(mode="json"),
        status="ok",
        measurements={"latency": Measurement(unit="s", samples=samples)},
    )
