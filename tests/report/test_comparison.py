"""Ratios, differences and marks, exact from raw samples; paired only where rounds mean the same moment."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from backbench.errors import BackbenchError
from backbench.records.schema import Record
from backbench.report.comparison import baseline_of, baselines, latency_ratios, same_run
from backbench.report.folders import records_in
from backbench.report.reading import Found
from backbench.report.rows import Row
from backbench.report.section import Section, sections
from backbench.report.table import difference, latency, speed
from records_builder import HOST, make_cell, make_predictions, make_record, make_refused, write_records

DRIFT = (1.0, 1.1, 1.2, 1.3, 1.4)  # a machine that slows down by round


def times(*factors: float, by: tuple[float, ...] = DRIFT) -> list[tuple[float, ...]]:
    """One process a round, three equal calls: the drift times a factor that changes a little by round."""
    wobble = factors * len(by)
    return [(1e-3 * slow * wobble[place],) * 3 for place, slow in enumerate(by)]


def rows_of(*records: Record, folders: tuple[str, ...] = ()) -> list[Row]:
    names = folders or ("run",) * len(records)
    return [
        Row(place, Found(record, Path(name, f"{place}.json"), Path(name)))
        for place, (record, name) in enumerate(zip(records, names, strict=True), 1)
    ]


def section(tmp_path: Path, *records: Record, study: dict[str, Any] | None = None) -> Section:
    folder = write_records(tmp_path, *records)
    if study is not None:
        (folder / "study.json").write_text(json.dumps(study))
    (only,) = sections(records_in([folder]))
    return only


EAGER = make_cell("resnet20", "none", "eager")
ORT = make_cell("resnet20", "none", "onnxruntime")
INT8 = make_cell("resnet20", "quantize_static", "onnxruntime")


def test_pairing_by_round_takes_the_drift_out(tmp_path: Path) -> None:
    base = make_record(EAGER, times(1.0))
    half = make_record(ORT, times(0.5, 0.5))
    made = section(tmp_path, base, half)
    found = made.versus[2]
    assert found.paired
    assert found.ratio is not None
    assert found.ratio.estimate == pytest.approx(0.5)
    assert (found.ratio.low, found.ratio.high) == pytest.approx((0.5, 0.5))
    assert speed(made, made.rows[1]) == "2.00× faster (2.00–2.00)"
    assert speed(made, made.rows[0]) == "baseline"


def test_what_is_inside_two_percent_is_the_same_and_noise_is_not_decided(tmp_path: Path) -> None:
    base = make_record(EAGER, times(1.0))
    same = make_record(ORT, times(1.0001, 0.9999))
    noisy = make_record(INT8, times(1.3, 0.7))
    made = section(tmp_path, base, same, noisy)
    assert speed(made, made.rows[1]).startswith("same (")
    assert speed(made, made.rows[2]).startswith("~ (")
    assert [made.speed_marks[row.number] for row in made.rows] == ["best", "=", "~"]
    assert [latency(made, row) for row in made.rows] == ["1.200 *", "1.200 =", "1.300 ~"]


def test_another_run_or_host_is_not_paired() -> None:
    base, new = make_record(EAGER, times(1.0)), make_record(ORT, times(0.5, 0.51))
    mine = rows_of(base, new)
    assert same_run(*mine)
    apart = rows_of(base, new, folders=("a", "b"))
    assert not same_run(*apart)
    upgraded = new.model_copy(update={"host": {**HOST, "kernel": "Linux 7"}})
    assert not same_run(*rows_of(base, upgraded))
    assert not same_run(*rows_of(base, make_record(ORT, {9: (1e-3,)})))
    paired, unpaired = (latency_ratios([(new, base)]) for base, new in (mine, apart))
    # The drift that both rounds share widens the unpaired interval only.
    assert paired[2].high - paired[2].low < (unpaired[2].high - unpaired[2].low) / 5


def test_accuracy_is_compared_image_by_image(tmp_path: Path) -> None:
    base = make_record(EAGER, correct=340)
    same = make_record(ORT, correct=340)
    fewer = make_record(INT8, correct=300)
    made = section(tmp_path, base, same, fewer)
    assert [difference(made, row) for row in made.rows] == ["baseline", "0 =", "−11.11"]
    assert [made.accuracy_marks[row.number] for row in made.rows] == ["best", "=", ""]


def test_as_many_right_on_other_images_is_not_equal(tmp_path: Path) -> None:
    other = make_record(ORT, correct=None).model_copy(update={"predictions": make_predictions(340, wrong_first=True)})
    made = section(tmp_path, make_record(EAGER, correct=340), other.sealed())
    assert difference(made, made.rows[1]) == "+0.00 ~"
    assert made.accuracy_marks == {1: "best", 2: "~"}


def test_other_labels_are_not_compared(tmp_path: Path) -> None:
    made = section(tmp_path, make_record(EAGER, correct=340), make_record(ORT, correct=300, n=330))
    assert difference(made, made.rows[1]) == "–"


def test_chance_is_never_the_best(tmp_path: Path) -> None:
    untrained = make_record(ORT, correct=360, artefact={"trained": False})
    made = section(tmp_path, make_record(EAGER, correct=300), untrained)
    assert made.most_accurate is made.rows[0]
    assert made.points == [made.points[0]]


def test_the_baseline_is_the_studys(tmp_path: Path) -> None:
    base, new = make_record(EAGER), make_record(ORT)
    made = section(tmp_path, base, new, study={"baseline": {"runtime": "onnxruntime"}})
    assert made.baseline_numbers == {2}
    assert speed(made, made.rows[1]) == "baseline"


def test_each_model_has_its_own_baseline_unless_the_study_names_one(tmp_path: Path) -> None:
    cells = [make_cell(model, "none", runtime) for model in ("a", "b") for runtime in ("eager", "onnxruntime")]
    records = [make_record(cell) for cell in cells]
    own = section(tmp_path / "own", *records)
    assert {number: found.base.number for number, found in own.versus.items()} == {2: 1, 4: 3}
    where = {"model": "a", "runtime": "eager"}
    one = section(tmp_path / "one", *records, study={"baseline": where})
    assert {number: found.base.number for number, found in one.versus.items()} == {2: 1, 3: 1, 4: 1}


def test_a_baseline_that_failed_is_none(tmp_path: Path) -> None:
    made = section(tmp_path, make_refused("failed", "crash", EAGER), make_record(ORT))
    assert baselines(made.rows) == []
    assert speed(made, made.rows[0]) == "–"


@pytest.mark.parametrize("study", ["[]", "{}", '{"baseline": null}'])
def test_without_a_baseline_the_untouched_network_is_it(tmp_path: Path, study: str) -> None:
    (tmp_path / "study.json").write_text(study)
    assert dict(baseline_of(tmp_path)) == {"technique": "none", "runtime": "eager"}


@pytest.mark.parametrize("baseline", ["5", '{"nonsense": 1}', '{"model": 5}', '{"technique": {"a": 1}}'])
def test_a_baseline_that_no_study_can_have_is_refused(tmp_path: Path, baseline: str) -> None:
    (tmp_path / "study.json").write_text(f'{{"baseline": {baseline}}}')
    with pytest.raises(BackbenchError, match=r"study.json: its baseline"):
        baseline_of(tmp_path)


def test_a_latency_of_zero_has_no_ratio(tmp_path: Path) -> None:
    made = section(tmp_path, make_record(EAGER, [(0.0,)] * 5), make_record(ORT))
    assert made.versus[2].ratio is None
    assert made.rows[0].latency is not None
    assert math.isinf(made.rows[0].latency.half_width)
