"""A cell that was measured again, against its record: every verdict, from numbers whose answer is known."""

from __future__ import annotations

from typing import Any

import pytest
from tests.records_builder import HOST, make_artefact, make_cell, make_predictions, make_record, make_refused

from backbench.errors import BackbenchError
from backbench.records.schema import Predictions, Record, pack
from backbench.verifying.equal import held_against
from backbench.verifying.finding import Finding
from backbench.verifying.latency import changed

VERSIONS = {"torch": "2.15.0", "backbench": "0.1.0+abc"}
INPUTS = {"weights": {"sha256": "a" * 64}, "dataset": {"name": "digits", "sha256": "d" * 64}, "versions": VERSIONS}
SPREAD = (0.999, 1.0, 1.001, 1.0005, 0.9995)
ELSEWHERE = {**HOST, "name": "ffffffff", "cpu": "Another CPU"}


def seconds(scale: float, spread: tuple[float, ...] = SPREAD) -> tuple[tuple[float, ...], ...]:
    """One process a factor, three equal calls each."""
    return tuple((0.010 * scale * factor,) * 3 for factor in spread)


def record(scale: float = 1.0, spread: tuple[float, ...] = SPREAD, **fields: Any) -> Record:
    return make_record(make_cell(), seconds(scale, spread), **{"inputs": INPUTS, **fields})


def verdicts(old: Record, new: Record, cells: int = 1) -> dict[str, str]:
    return {finding.kind: finding.verdict for finding in held_against(old, new, cells)}


def finding(old: Record, new: Record, kind: str) -> Finding:
    return next(found for found in held_against(old, new, 1) if found.kind == kind)


def test_the_same_again_passes_in_everything() -> None:
    assert verdicts(record(), record(1.001)) == {
        "artefact": "pass", "accuracy": "pass", "cost": "pass", "latency": "pass",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scale", "spread", "expected"),
    [
        (1.00, SPREAD, "pass"),
        (1.03, SPREAD, "pass"),
        (0.97, SPREAD, "pass"),
        (1.20, SPREAD, "fail"),
        (0.80, SPREAD, "fail"),  # faster than it said is not what it said, either
        (1.05, SPREAD, "can't tell"),  # the interval lies on the bound
        (1.00, (0.9, 1.1, 0.95, 1.05, 1.0), "can't tell"),  # too wide to be inside
        (1.02, (0.9, 1.2, 0.95, 1.05, 1.0), "can't tell"),
        (1.50, (0.9, 1.1, 0.95, 1.05, 1.0), "fail"),  # wide, and clear all the same
    ],
)
def test_time_passes_inside_fails_clear_of_it_and_is_open_between(
    scale: float, spread: tuple[float, ...], expected: str
) -> None:
    assert finding(record(), record(scale, spread), "latency").verdict == expected


def test_many_cells_need_more_to_fail_and_no_more_to_pass() -> None:
    slower = record(1.085, (0.98, 1.02, 0.99, 1.01, 1.0))
    assert verdicts(record(), slower, cells=1)["latency"] == "fail"
    assert verdicts(record(), slower, cells=200)["latency"] == "can't tell"
    assert verdicts(record(), record(), cells=200)["latency"] == "pass"


def test_on_another_host_time_is_not_compared() -> None:
    found = finding(record(), record(9.0, host=ELSEWHERE), "latency")
    assert found.verdict == "not checked"
    assert "another host (Imaginary CPU 3.0 GHz; here Another CPU)" in found.detail


def test_with_other_packages_time_is_not_compared_and_they_are_named() -> None:
    host = {**HOST, "packages": {"numpy": "2.0.0", "onnxruntime": "1.32.0"}}
    found = finding(record(), record(9.0, host=host), "latency")
    assert found.verdict == "not checked"
    assert "onnxruntime 1.31.0 → 1.32.0" in found.detail


def test_predictions_pass_where_they_are_equal_whatever_the_logits() -> None:
    assert "bit by bit" in finding(record(), record(), "accuracy").detail
    other = make_predictions(324).model_copy(update={"logits_sha256": "f" * 64})
    found = finding(record(), record(predictions=other), "accuracy")
    assert (found.verdict, "arg-max" in found.detail) == ("pass", True)


@pytest.mark.parametrize(
    ("n", "correct", "expected"),
    [(10_000, 9_010, "pass"), (10_000, 8_700, "fail"), (360, 322, "can't tell"), (360, 250, "fail")],
)
def test_accuracy_is_held_to_one_point_by_its_interval(n: int, correct: int, expected: str) -> None:
    old, new = record(correct=9_000 if n > 360 else 324, n=n), record(correct=correct, n=n)
    assert finding(old, new, "accuracy").verdict == expected


def test_other_labels_are_no_comparison() -> None:
    labels = make_predictions(324).model_copy(update={"labels": pack([1] * 360)})
    assert finding(record(), record(predictions=labels), "accuracy").verdict == "fail"


def test_missing_predictions_are_not_equal_ones() -> None:
    assert finding(record(), record(predictions=None), "accuracy").verdict == "can't tell"
    assert "accuracy" not in verdicts(record(predictions=None), record())


def test_predictions_that_are_none_are_refused_in_one_sentence() -> None:
    broken = Predictions(n=360, predicted="!", labels="!", logits_sha256="e" * 64, test_evaluations=1)
    with pytest.raises(BackbenchError, match="not those of 360 images"):
        held_against(record(predictions=broken), record(), 1)


def test_cost_is_exact() -> None:
    parameters = {**make_artefact()["parameters"], "stored": 1}
    found = finding(record(), record(artefact=make_artefact(parameters=parameters)), "cost")
    assert found.verdict == "fail"
    assert "parameters 269,722 → 1" in found.detail
    assert finding(record(), record(cost={"counters": {"onnx": 1}}), "cost").verdict == "fail"


def test_bytes_may_differ_where_the_tools_that_write_files_do() -> None:
    smaller = make_artefact(bytes=1_000_000, id="b" * 16)
    assert finding(record(), record(artefact=smaller), "cost").verdict == "fail"
    moved = {**INPUTS, "versions": {**VERSIONS, "torch": "2.16.0"}}
    assert finding(record(), record(artefact=smaller, inputs=moved), "cost").verdict == "pass"


def test_free_fields_of_a_hostile_record_count_as_nothing() -> None:
    odd = record(cost={"counters": ["x"]}, artefact={"id": [], "parameters": "x", "bytes": "many", "training": 7})
    found = {item.kind: item for item in held_against(odd, record(), 1)}
    assert found["cost"].detail == "nothing was counted"
    assert found["artefact"].verdict == "fail"


def test_another_artefact_fails_and_says_what_differs() -> None:
    other = {**INPUTS, "dataset": {"name": "digits", "sha256": "0" * 64}}
    found = finding(record(), record(artefact=make_artefact(id="b" * 16), inputs=other), "artefact")
    assert found.verdict == "fail"
    assert "dataset differ" in found.detail


def test_the_same_bytes_are_the_same_artefact_whatever_its_id() -> None:
    files = [{"name": "model.onnx", "bytes": 1, "sha256": "5" * 64, "deployable": True}]
    old, new = (record(artefact=make_artefact(id=name * 16, files=files)) for name in "ab")
    assert finding(old, new, "artefact").verdict == "pass"


@pytest.mark.parametrize(("deterministic", "host", "expected"), [
    (True, HOST, "fail"), (False, HOST, "can't tell"), (True, ELSEWHERE, "can't tell"),
])  # fmt: skip
def test_weights_that_were_trained_again_fail_only_where_they_were_promised(
    deterministic: bool, host: dict[str, Any], expected: str
) -> None:
    old = record(artefact=make_artefact(training={"deterministic": deterministic}))
    inputs = {**INPUTS, "weights": {"sha256": "0" * 64}}
    new = record(artefact=make_artefact(id="b" * 16), inputs=inputs, host=host)
    assert finding(old, new, "artefact").verdict == expected


def test_other_versions_explain_another_artefact() -> None:
    inputs = {**INPUTS, "versions": {**VERSIONS, "torch": "2.16.0"}}
    found = finding(record(), record(artefact=make_artefact(id="b" * 16), inputs=inputs), "artefact")
    assert (found.verdict, "torch 2.15.0 → 2.16.0" in found.detail) == ("not checked", True)


def test_another_precision_fails() -> None:
    old, new = record(executed={"precision": "fp32"}), record(executed={"precision": "bf16"})
    assert verdicts(old, new)["precision"] == "fail"
    assert verdicts(old, old)["precision"] == "pass"


def test_a_cell_that_fails_now_fails_and_one_that_is_impossible_here_is_open() -> None:
    failed = held_against(record(), make_refused("failed", "no memory", make_cell()), 1)
    skipped = held_against(record(), make_refused("skipped", "no such runtime", make_cell()), 1)
    assert [(item.kind, item.verdict) for item in (*failed, *skipped)] == [("cell", "fail"), ("cell", "can't tell")]
    assert "no memory" in failed[0].detail


def test_versions_that_changed_are_listed_by_name() -> None:
    assert changed({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == "b 2 → 3, c none → 4"
    assert changed({"a": "1"}, {"a": "1"}) == ""
