"""show: a record by file or by the beginning of an id, in full for a person, raw with --json."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from backbench.cli.show import show
from backbench.errors import UsageError
from backbench.records.schema import Record
from backbench.report.lookup import lookup
from backbench.spec.cell import Cell
from records_builder import (
    make_cell,
    make_latency,
    make_measurement,
    make_record,
    make_refused,
    make_warning,
    write_records,
)

RECORD = make_record(
    make_cell("resnet20", "quantize_static:calibration=256", "onnxruntime"),
    warnings=(make_warning(),),
    evidence={"quantize_static": {"integer_operators": 21}},
)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return write_records(tmp_path / "run", RECORD, make_refused("failed", "out of memory", make_cell("resnet56")))


def shown(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(show)
    return CliRunner().invoke(app, list(arguments))


def test_a_page_of_everything(run_folder: Path) -> None:
    text = shown(RECORD.cell_id[:6], "--in", str(run_folder)).stdout
    for line in (
        "technique quantize_static:calibration=256",
        "ok",
        "latency 1.000 ms ±0 %, mean 1.000 ms, 15 calls in 5 processes",
        "round 0: median 1.000 ms of 3 calls, p99: too few independent calls (459 needed), outliers 0 severe, 0 mild, regime steady",
        "passed (tolerance fp32): 100.00 % equal arg-max of 256 inputs, largest error 1e-06, mean 1e-07, cosine 1.000000",
        "quantize_static.integer_operators 21",
        "unsteady: the series did not settle Remedy: close other programs",
        "grade C",
        f"record_id {RECORD.record_id}",
    ):
        assert f"\n  {line}\n" in text


def test_a_failed_cell_says_why(run_folder: Path) -> None:
    text = shown(make_cell("resnet56").id, "--in", str(run_folder)).stdout
    assert "failed: out of memory" in text


def test_raw(run_folder: Path) -> None:
    path = run_folder / "records" / f"{RECORD.cell_id}.json"
    assert Record.model_validate_json(shown(str(path), "--json").stdout) == RECORD


def test_outliers_and_the_tail_are_counted(tmp_path: Path) -> None:
    values = (1e-3,) * 290 + (1.001e-3,) * 290 + (9e-3,)
    record = make_record(latency=None, measurements={"latency": make_latency([values])})
    text = shown(record.record_id[:8], "--in", str(write_records(tmp_path, record))).stdout
    assert "581 calls" in text
    assert "outliers 1 severe, 0 mild" in text


def test_a_throughput_sweep_is_a_rate_a_batch(tmp_path: Path) -> None:
    sweep = make_measurement("s", 0.01, 0.04, data=[{"batch": 1}, {"batch": 8}])
    energy = make_measurement("J", reason="energy: no counter")
    record = make_record(measurements={"throughput": sweep, "energy": energy})
    text = shown(record.record_id[:8], "--in", str(write_records(tmp_path, record))).stdout
    assert "\n  throughput: batch 1 100 images/s, batch 8 200 images/s\n" in text
    assert "\n  energy: not measured: no counter\n" in text


def test_the_newest_record_of_a_cell_is_shown(run_folder: Path, tmp_path: Path) -> None:
    newer = RECORD.model_copy(update={"created_utc": "2027-01-01T00:00:00+00:00"}).sealed()
    found = lookup(RECORD.cell_id, [run_folder, write_records(tmp_path / "again", newer)])
    assert found.record == newer


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("ffff", "no record or cell of this id"),
        ("abc", "neither a record file nor the beginning of an id"),
        ("../../etc", "neither a record file"),
        ("x" * 10_000, "neither a record file"),
    ],
)
def test_an_id_that_is_none(run_folder: Path, target: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        lookup(target, [run_folder])


def test_an_id_that_is_more_than_one(tmp_path: Path) -> None:
    """Two cells whose ids begin with the same four digits: among a few hundred there are some."""
    first: dict[str, Cell] = {}
    for cell in (make_cell(seed=seed) for seed in range(3000)):
        twin = first.setdefault(cell.id[:4], cell)
        if twin is not cell:
            break
    assert twin.id != cell.id
    folder = write_records(tmp_path, make_record(twin), make_record(cell))
    with pytest.raises(UsageError, match=r"2 records begin so: .*give more digits"):
        lookup(cell.id[:4], [folder])
    length = next(place for place in range(4, 17) if twin.id[:place] != cell.id[:place])
    assert lookup(cell.id[:length], [folder]).record.cell == cell
