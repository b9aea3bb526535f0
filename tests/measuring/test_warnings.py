"""Every warning: where its condition holds, and that it is silent where it does not."""

from __future__ import annotations

from typing import Any

import pytest
from latency_record import latency_record

from backbench.measuring.warnings import CHECKS, chance, of_record
from backbench.records.schema import Conditions, Measurement, Record, Sample
from backbench.spec.choice import Choice

CALM: dict[str, Any] = {
    "regime": "steady",
    "cpu_share": 1.0,
    "overhead": 1e-7,
    "repeated": [0.001] * 3,
    "flushed": None,
}


def codes(record: Record) -> list[str]:
    return [warn.code for warn in of_record(record)]


def test_a_calm_record_has_none() -> None:
    assert codes(latency_record(CALM)) == []
    assert codes(latency_record(CALM, processes=0)) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"regime": "unsteady"}, "unsteady"),
        ({"regime": "warming"}, "warming"),
        ({"regime": "slowing"}, "slowing"),
        ({"repeated": [0.0008] * 3}, "anti-cache"),
        ({"repeated": [0.0012] * 3}, "anti-cache"),
        ({"cpu_share": 1.3}, "thread-overrun"),
        ({"cpu_share": 0.4}, "thread-underuse"),
        ({"flushed": {"off": 0.02, "on": 0.001}}, "subnormal"),
        ({"overhead": 0.0001}, "overhead"),
    ],
)
def test_what_a_sample_shows(data: dict[str, Any], code: str) -> None:
    assert codes(latency_record({**CALM, **data})) == [code]


@pytest.mark.parametrize(
    "data",
    [
        {"repeated": [0.00095] * 3},
        {"repeated": []},
        {"cpu_share": 1.05},
        {"flushed": {"off": 0.00104, "on": 0.001}},
        {"overhead": 5e-6},
    ],
)
def test_what_is_within_its_bound_is_no_warning(data: dict[str, Any]) -> None:
    assert codes(latency_record({**CALM, **data})) == []


def test_one_process_of_many_is_enough_for_a_regime() -> None:
    record = latency_record(CALM)
    [first, *rest] = record.measurements["latency"].samples
    moved = first.model_copy(update={"data": {**CALM, "regime": "unsteady"}})
    changed = Measurement(unit="s", samples=(moved, *rest))
    [warn] = of_record(record.model_copy(update={"measurements": {"latency": changed}}))
    assert warn.message == "latency moved between levels in 1 of 5 processes"
    assert warn.evidence == {"rounds": [0], "processes": 5}


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        ({"foreign": (0.01, 0.3)}, "foreign-cpu"),
        ({"canary": (1.0, 1.1), "canary_drift": 0.1}, "canary-drift"),
        ({"voided_rounds": 2}, "voided-rounds"),
    ],
)
def test_what_the_conditions_show(conditions: dict[str, Any], code: str) -> None:
    record = latency_record(CALM).model_copy(update={"conditions": Conditions(grade="C", **conditions)})
    assert codes(record) == [code]


@pytest.mark.parametrize(("threads", "advised"), [(1, False), (2, True)])
def test_voided_stretches_of_several_threads_call_for_fewer(threads: int, advised: bool) -> None:
    record = latency_record(CALM).model_copy(update={"conditions": Conditions(grade="C", voided_rounds=2)})
    cell = record.cell.model_copy(update={"threads": threads})
    [warn] = of_record(record.model_copy(update={"cell": cell}))
    assert ("--threads 1" in str(warn.remedy)) is advised


def test_few_processes() -> None:
    assert codes(latency_record(CALM, processes=4)) == ["few-processes"]
    assert of_record(latency_record(CALM, processes=1))[0].message.startswith("1 process:")


def test_an_interval_wider_than_the_protocol_asked_for() -> None:
    record = latency_record(CALM)
    spread = tuple(
        Sample(round=number, values=(0.001 * (1 + number / 10),), data=CALM | {"repeated": []}) for number in range(7)
    )
    changed = record.model_copy(update={"measurements": {"latency": Measurement(unit="s", samples=spread)}})
    assert codes(changed) == ["wide"]
    quick = changed.model_copy(update={"protocol": {**changed.protocol, "name": "quick"}})
    assert codes(quick) == []


def test_disputed_macs() -> None:
    record = latency_record(CALM).model_copy(update={"cost": {"counters": {"a": 1, "b": 2}, "disputed": ["Conv"]}})
    assert codes(record) == ["disputed-macs"]


@pytest.mark.parametrize(
    ("options", "technique", "executed", "expected"),
    [
        ({"precision": "fp32"}, "none", "bf16", ["precision"]),
        ({"precision": "fp32"}, "none", "fp32", []),
        ({"precision": "f32"}, "none", "fp32", []),
        ({"precision": "auto"}, "none", "fp32", []),
        ({}, "quantize_static", "fp32", ["precision"]),
        ({}, "quantize_static", "int8", []),
        ({}, "none", "", []),
    ],
)
def test_executed_precision(options: dict[str, Any], technique: str, executed: str, expected: list[str]) -> None:
    record = latency_record(CALM)
    fields = record.cell.model_dump() | {"runtime": Choice(name="onnxruntime", options=options), "technique": technique}
    cell = type(record.cell).model_validate(fields)
    assert codes(record.model_copy(update={"cell": cell, "executed": {"precision": executed}})) == expected


def mask_step(notes: dict[str, Any]) -> dict[str, Any]:
    return {"technique": "prune", "notes": notes, "child": {"stored": 1000, "nonzero": 700}}


def test_masks_are_said_to_remove_nothing() -> None:
    record = latency_record(CALM)
    masked = record.model_copy(update={"evidence": {"steps": [mask_step({"masks": True})]}})
    [warn] = of_record(masked)
    assert warn.message == "masks remove nothing: 30% of the parameters are zero, and all are stored and multiplied"
    assert "prune_channels" in warn.remedy
    removed = record.model_copy(update={"evidence": {"steps": [mask_step({})]}})
    assert codes(removed) == []


@pytest.mark.parametrize(("before", "after", "expected"), [(0.9, 0.5, ["lost-by-training"]), (0.5, 0.9, [])])
def test_a_training_that_makes_it_worse_is_said(before: float, after: float, expected: list[str]) -> None:
    training = {"validation_before": before, "validation_accuracy": after}
    step = {"technique": "finetune", "notes": {"training": training}, "child": {}}
    assert codes(latency_record(CALM).model_copy(update={"evidence": {"steps": [step]}})) == expected


def test_the_share_of_subnormal_weights_is_said() -> None:
    record = latency_record({**CALM, "flushed": {"off": 0.0034, "on": 0.001}})
    facts = {"parameters": {"stored": 1000, "subnormal": 12}}
    [warn] = of_record(record.model_copy(update={"artefact": facts}))
    assert warn.message == "1.20% of the weights are subnormal: 3.40 × slower without flush-to-zero"


def test_every_warning_says_what_to_do_about_it() -> None:
    record = latency_record({**CALM, "regime": "unsteady", "cpu_share": 2.0, "overhead": 1.0}, processes=2)
    warnings = [*of_record(record), chance(10)]
    assert len(warnings) == 5
    assert all(warn.message and warn.evidence and warn.remedy for warn in warnings)
    assert len(CHECKS) == 19
