"""Numbers of a row, exact from raw samples chosen by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backbench.errors import BackbenchError
from backbench.records.schema import Measurement, Record, Sample
from backbench.report.reading import Found
from backbench.report.rows import Row, number_in
from records_builder import make_artefact, make_measurement, make_predictions, make_record, make_refused


def row(record: Record) -> Row:
    return Row(1, Found(record, Path("run/records/x.json"), Path("run")))


def test_latency_is_the_median_of_the_processes_medians() -> None:
    found = row(make_record(latency=[(1.0, 2.0, 9.0), (3.0, 3.0), (4.0,)])).latency
    assert found is not None
    assert (found.median, found.mean, found.n_processes, found.n_calls) == (3.0, 22 / 6, 3, 6)


def test_medians_keep_their_rounds() -> None:
    assert row(make_record(latency={4: (1.0, 3.0), 7: (5.0,)})).medians == {4: 2.0, 7: 5.0}


def test_accuracy_from_predictions() -> None:
    found = row(make_record(correct=324, n=360)).accuracy
    assert found is not None
    assert (found.estimate, found.n) == (0.9, 360)
    # Wilson's interval of 324 of 360, computed apart: 0.895777 ± 0.031114
    assert (found.low, found.high) == pytest.approx((0.864663, 0.926890), abs=1e-6)


def test_throughput_takes_the_best_batch() -> None:
    samples = tuple(
        Sample(round=number, values=(seconds,), data={"batch": batch})
        for number in (0, 1)
        for batch, seconds in ((1, 0.01), (8, 0.04), (16, 0.16))
    )
    found = row(make_record(measurements={"throughput": Measurement(unit="s", samples=samples)})).throughput
    assert found is not None
    assert (found.images_per_second, found.batch) == (200.0, 8)


def test_memory_and_energy_are_medians_over_processes() -> None:
    measurements = {
        "peak_memory": make_measurement("byte", 10.0, 30.0, 20.0),
        "energy": make_measurement("J", 0.5, 0.7, 0.6),
    }
    found = row(make_record(measurements=measurements))
    assert (found.peak_memory, found.energy) == (20.0, 0.6)


def test_what_is_not_known_is_none_with_its_reason() -> None:
    measurements = {"energy": make_measurement("J", reason="no counter")}
    found = row(make_record(latency=None, correct=None, artefact=None, cost={}, measurements=measurements))
    unknown = (found.latency, found.accuracy, found.throughput, found.size, found.macs, found.peak_memory, found.energy)
    assert unknown == (None,) * 7
    assert found.parameters("stored") is None
    assert found.reason("energy") == "no counter"


def test_a_skipped_record_is_a_row_too() -> None:
    found = row(make_refused("skipped", "no integer kernels"))
    assert (found.status, found.latency, found.grade) == ("skipped", None, None)


def test_costs() -> None:
    found = row(make_record(artefact=make_artefact(bytes=7, trained=False)))
    assert (found.size, found.parameters("nonzero"), found.macs, found.trained) == (7, 269_000, 40_550_000, False)
    assert row(make_record(cost={"counters": {"a": 1, "b": 9}, "disputed": True})).disputed


@pytest.mark.parametrize("value", [None, "12", True, float("nan"), float("inf"), [1]])
def test_what_is_no_number_is_not_taken_for_one(value: Any) -> None:
    assert number_in({"x": value}, "x") is None
    assert number_in(value, "x") is None


@pytest.mark.parametrize("predicted", ["", "!!!", "AAAA", "eJwDAAAAAAE="])
def test_predictions_that_are_none_are_refused(predicted: str) -> None:
    broken = make_predictions(300).model_copy(update={"predicted": predicted})
    with pytest.raises(BackbenchError, match=r"run/records/x.json: .* malformed"):
        _ = row(make_record(correct=None).model_copy(update={"predictions": broken})).accuracy
