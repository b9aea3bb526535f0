"""The search for the best setting: what is dropped and why, what can't be told apart, and one real search."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from tests.records_builder import make_cell, make_record
from typer.testing import CliRunner

from backbench import runtimes
from backbench.cli import app
from backbench.cli.tune import export_command
from backbench.errors import SpecError, UsageError
from backbench.records.schema import Record
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.tuning.search import Tuned, Wanted, baseline_of, cells_of, ranking, rows_of, screened, tune
from backbench.tuning.space import Setting, read_space, settings_of, thread_counts

EAGER = runtimes.REGISTRY.resolve(Choice(name="eager"))


def wanted(*settings: dict[str, str], **fields: object) -> Wanted:
    fixed = {"model": "resnet20:width=4", "dataset": "digits"}
    return Wanted(fixed, [Setting.model_validate(one) for one in settings], **{"threads": [1], **fields})  # type: ignore[arg-type]


def timed(seconds: float, correct: int = 324, runtime: object = "onnxruntime", **fields: object) -> Record:
    rounds = [[seconds * (1 + 0.001 * (number + place)) for place in range(3)] for number in range(5)]
    return make_record(make_cell(runtime=runtime, **fields), rounds, correct)


def test_threads_are_powers_of_two_and_the_most() -> None:
    assert [thread_counts(most) for most in (1, 2, 3, 4, 6)] == [[1], [1, 2], [1, 2, 3], [1, 2, 4], [1, 2, 4, 6]]


def test_the_space_that_ships_is_read() -> None:
    assert {setting.runtime.name for setting in read_space()} >= {"eager", "onnxruntime", "openvino"}


def test_a_space_of_ones_own_is_checked(tmp_path: Path) -> None:
    assert [str(one) for one in settings_of([{"runtime": "eager"}, {"runtime": "eager"}], "x")] == ["eager · none"]
    with pytest.raises(SpecError, match="runtim"):
        settings_of([{"runtim": "eager"}], "x")
    with pytest.raises(UsageError, match="no setting"):
        settings_of([], "x")
    with pytest.raises(UsageError, match="can't be read"):
        read_space(tmp_path / "none.yaml")


def test_every_setting_is_planned_with_the_baseline_and_impossible_ones_have_their_reason() -> None:
    planned = cells_of(wanted({"runtime": "eager", "technique": "quantize_static"}, threads=[1, 2]), Settings())
    assert len(planned) == 4
    assert [plan.cell.threads for plan in planned if not plan.skip] == [1, 2]
    assert all("eager" in str(plan.skip) for plan in planned if plan.skip)


def test_all_unknown_names_are_told_at_once() -> None:
    with pytest.raises(SpecError) as found:
        cells_of(wanted({"runtime": "eagre"}, {"runtime": "onnxruntime", "technique": "quantise_static"}), Settings())
    assert "eager" in str(found.value)
    assert "quantize_static" in str(found.value)


def test_what_is_slow_or_loses_accuracy_is_dropped_with_its_reason() -> None:
    records = [
        timed(0.010, runtime=EAGER),
        timed(0.001, correct=300, batch=2),
        timed(0.002, correct=323),
        timed(0.004, threads=1),
        timed(0.006, seed=1),
    ]
    rows = rows_of(records, Path("run"))
    base = baseline_of(rows)
    reasons = screened(rows, base, wanted(max_drop=0.005, finalists=2))
    assert base.cell.runtime == EAGER
    assert reasons == {
        records[1].cell_id: "6.67 pp of accuracy lost (at most 0.5)",
        records[4].cell_id: "3.00 times the fastest one's time in the coarse run",
    }


def test_the_best_is_named_with_what_can_not_be_told_from_it() -> None:
    rows = rows_of(
        [timed(0.010, runtime=EAGER), timed(0.002), timed(0.00201, seed=1), timed(0.004, seed=2)], Path("run")
    )
    found = ranking(rows, wanted(), Path("run"))
    assert [row.number for row in found.ranked] == [2, 3, 4, 1]
    assert [row.number for row in found.ties] == [3]
    assert found.baseline.number == 1


def test_the_front_holds_what_nothing_beats_in_both(tmp_path: Path) -> None:
    records = [
        timed(0.010, correct=324, runtime=EAGER),
        timed(0.002, correct=320),
        timed(0.003, correct=323, seed=1),
        timed(0.004, correct=322, seed=2),
        timed(0.006, correct=323, batch=4),
    ]
    found = ranking(rows_of(records, Path("run")), wanted(max_drop=0.1), Path("run"))
    assert [row.number for row in found.ranked] == [5, 2, 3, 4, 1], "by the time of an image"
    assert [row.number for row in found.front] == [5, 1]
    untold = [timed(0.010, correct=None, runtime=EAGER), timed(0.002, correct=None)]
    assert ranking(rows_of(untold, Path("run")), wanted(), Path("run")).front == []


def test_a_real_search_on_digits(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = {"model": "resnet20:width=4", "dataset": "digits", "input": "1x1x16x16"}
    asked = replace(wanted({"runtime": "onnxruntime"}, {"runtime": "eager"}, protocol="screen"), fixed=fixed)
    found = tune(asked, tmp_path / "out", Settings(cache=cache, allow_untrained=True))
    assert {row.cell.runtime.name for row in found.ranked} == {"eager", "onnxruntime"}
    assert len(list((found.folder / "records").glob("*.json"))) == 2
    again = tune(asked, tmp_path / "out", Settings(cache=cache, allow_untrained=True))
    assert [row.record.record_id for row in again.ranked] == [row.record.record_id for row in found.ranked]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKBENCH_CACHE", str(cache))
    for row, named in zip(found.ranked, written_names(found), strict=True):
        done = CliRunner().invoke(app, shlex.split(export_command(row.cell))[1:])
        assert done.exit_code == 0, done.output
        assert (tmp_path / named).is_file()
        about = json.loads((tmp_path / f"{named}.json").read_text())
        assert about["artefact"]["input"][2:] == [16, 16]


def written_names(found: Tuned) -> list[str]:
    endings = {"eager": ".safetensors", "onnxruntime": ".onnx"}
    return ["resnet20" + endings[row.cell.runtime.name] for row in found.ranked]
