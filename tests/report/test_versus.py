"""compare: cells matched, verdicts with their intervals, bounds that decide only where the interval is clear."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from backbench.cli.compare import compare
from backbench.errors import BackbenchError, CantTell, UsageError
from backbench.records.schema import Record
from backbench.report.bounds import Bound, read_bound, worst
from backbench.report.versus import compared
from backbench.report.versus_words import blocks
from records_builder import HOST, make_cell, make_record, make_refused, write_records

EAGER = make_cell("resnet20", "none", "eager")
ORT = make_cell("resnet20", "none", "onnxruntime")


def calls(*seconds: float) -> list[tuple[float, ...]]:
    return [(value,) * 3 for value in seconds]


STEADY = calls(1.00e-3, 1.01e-3, 0.99e-3, 1.00e-3, 1.00e-3)
DOUBLE = calls(2.00e-3, 2.02e-3, 1.98e-3, 2.00e-3, 2.00e-3)
WILD = calls(0.5e-3, 1.5e-3, 0.9e-3, 1.2e-3, 0.7e-3)


def file_of(folder: Path, record: Record) -> Path:
    return write_records(folder, record) / "records" / f"{record.cell_id}.json"


def ran(*arguments: str) -> Result:
    import typer

    app = typer.Typer()
    app.command()(compare)
    return CliRunner().invoke(app, list(arguments))


def test_two_files_of_one_run_are_paired(tmp_path: Path) -> None:
    base, new = file_of(tmp_path, make_record(EAGER, STEADY)), file_of(tmp_path, make_record(ORT, DOUBLE, 300))
    (pair,) = compared(base, new).pairs
    assert pair.versus.paired
    assert pair.versus.verdict == "slower"
    assert pair.versus.ratio is not None
    assert pair.versus.ratio.estimate == pytest.approx(2.0)
    assert pair.versus.difference is not None
    assert pair.versus.difference.pp == pytest.approx(-100 * 24 / 360)
    assert pair.exact["size"].ratio == 1.0
    (text,) = blocks(compared(base, new))
    assert "1.000 → 2.000 ms, ratio 2.00 (2.00–2.00), slower [paired by round, n = 5]" in text
    assert "90.00 → 83.33 %, −6.67 pp" in text
    assert "different; worse by a margin of 1 pp [McNemar, p =" in text
    assert "1.10 MB, equal" in text


def test_two_folders_are_matched_by_cell_and_not_paired(tmp_path: Path) -> None:
    a = write_records(tmp_path / "a", make_record(EAGER, STEADY), make_record(ORT, STEADY))
    other = {**HOST, "cpu": "Other CPU"}
    b = write_records(
        tmp_path / "b", make_record(EAGER, DOUBLE, host=other), make_record(make_cell("resnet56"), STEADY)
    )
    found = compared(a, b)
    (pair,) = found.pairs
    assert pair.new.record.cell == EAGER
    assert not pair.versus.paired
    assert pair.versus.verdict == "slower"
    assert pair.unlike == ("host",)
    assert [item.record.cell for item in found.only_base] == [ORT]
    assert [item.record.cell.model.name for item in found.only_new] == ["resnet56"]
    assert "careful: they differ in host, so" in blocks(found)[0]
    assert "unpaired, because not one run on one host: Welch's t" in blocks(found)[0]


def test_a_cell_that_was_not_measured_on_both_sides_is_said(tmp_path: Path) -> None:
    a = write_records(tmp_path / "a", make_record(EAGER), make_record(ORT))
    b = write_records(tmp_path / "b", make_record(EAGER), make_refused("failed", "out of memory", ORT))
    shown = ran(str(a), str(b))
    assert shown.exit_code == 0
    assert "not compared: resnet20 · none · onnxruntime: failed: out of memory" in shown.stdout
    with pytest.raises(BackbenchError, match="nothing to compare: failed: out of memory"):
        compared(
            file_of(tmp_path / "a", make_record(EAGER)),
            file_of(tmp_path / "b", make_refused("failed", "out of memory", ORT)),
        )


def test_folders_without_a_common_cell_are_wrong_usage(tmp_path: Path) -> None:
    a, b = write_records(tmp_path / "a", make_record(EAGER)), write_records(tmp_path / "b", make_record(ORT))
    with pytest.raises(UsageError, match="no cell is in both"):
        compared(a, b)


@pytest.mark.parametrize(
    ("new", "bound", "code"),
    [
        (DOUBLE, ["latency > 1.05"], 1),
        (DOUBLE, ["latency<1.5"], 0),
        (STEADY, ["latency > 1.05"], 0),
        (WILD, ["latency > 1.05"], 3),
        (WILD, ["latency > 1.05", "size > 1.5"], 3),
        (DOUBLE, ["latency > 1.05", "accuracy < -1"], 1),
        (STEADY, ["size > 1", "parameters > 1", "macs > 1"], 0),
        (STEADY, ["size > 0.9"], 1),
        (STEADY, ["accuracy < -0.01"], 3),
        (STEADY, ["accuracy < -3"], 0),
        (DOUBLE, ["latency > 5%"], 1),
        (DOUBLE, ["latency > 110%"], 0),
        (DOUBLE, ["latency > 1.05", "top1 < -0.5pp"], 1),
        (STEADY, ["latency > 1.05", "top1 < -3pp"], 0),
        (STEADY, ["latency > 1.05", "top1 < -0.5pp"], 3),
    ],
)
def test_exit_codes(tmp_path: Path, new: Sequence[tuple[float, ...]], bound: list[str], code: int) -> None:
    base, fresh = file_of(tmp_path, make_record(EAGER, STEADY)), file_of(tmp_path, make_record(ORT, new))
    flags = [part for text in bound for part in ("--fail-if", text)]
    assert ran(str(base), str(fresh), *flags).exit_code == code


def test_what_one_side_does_not_know_nobody_can_tell(tmp_path: Path) -> None:
    base, fresh = (
        file_of(tmp_path, make_record(EAGER, None)),
        file_of(tmp_path, make_record(ORT, STEADY, None, cost={})),
    )
    for bound in ("latency > 9", "accuracy < -9", "macs > 9"):
        assert ran(str(base), str(fresh), "--fail-if", bound).exit_code == 3
    assert "can't tell: it was not timed on both sides" in ran(str(base), str(fresh)).stdout


def test_a_cell_that_the_new_side_lost_leaves_the_gate_undecided(tmp_path: Path) -> None:
    a = write_records(tmp_path / "a", make_record(EAGER, STEADY), make_record(ORT, STEADY))
    failed = write_records(tmp_path / "b", make_record(EAGER, STEADY), make_refused("failed", "out of memory", ORT))
    gone = write_records(tmp_path / "c", make_record(EAGER, STEADY))
    more = write_records(
        tmp_path / "d", make_record(EAGER, STEADY), make_record(ORT, STEADY), make_record(make_cell("resnet56"))
    )
    for folder, code in ((failed, 3), (gone, 3), (more, 0)):
        shown = ran(str(a), str(folder), "--fail-if", "latency > 1.05")
        assert shown.exit_code == code
        assert ("can't tell for 1 of the base's cells" in shown.stdout) == (code == 3)
        assert ran(str(a), str(folder)).exit_code == 0, "without a bound nothing was asked"


def test_times_of_two_machines_decide_nothing(tmp_path: Path) -> None:
    other = {**HOST, "cpu": "Other CPU"}
    a = write_records(tmp_path / "a", make_record(EAGER, STEADY))
    b = write_records(tmp_path / "b", make_record(EAGER, DOUBLE, host=other))
    assert ran(str(a), str(b), "--fail-if", "latency > 1.05").exit_code == 3
    assert ran(str(a), str(b), "--fail-if", "size > 1").exit_code == 0


def test_nothing_that_can_be_compared_is_no_verdict(tmp_path: Path) -> None:
    a = write_records(tmp_path / "a", make_record(EAGER))
    b = write_records(tmp_path / "b", make_refused("failed", "out of memory", EAGER))
    done = ran(str(a), str(b), "--fail-if", "latency > 1.05")
    assert isinstance(done.exception, CantTell)
    assert done.exception.exit_code == 3


def test_as_data(tmp_path: Path) -> None:
    base, new = file_of(tmp_path, make_record(EAGER, STEADY)), file_of(tmp_path, make_record(ORT, calls(2e-3)))
    shown = ran(str(base), str(new), "--json", "--fail-if", "size > 2")
    data = json.loads(shown.stdout)
    (pair,) = data["pairs"]
    assert pair["latency"] == {
        "base_s": 1e-3, "new_s": 2e-3, "ratio": pytest.approx(2.0), "low": 0.0, "high": None, "n": 1, "paired": True,
        "verdict": "can't tell",
    }  # fmt: skip
    assert pair["size"] == {"base": 1_100_000, "new": 1_100_000, "ratio": 1.0}
    assert data["fail_if"][0]["decision"] == "not met"


def test_bounds_are_read() -> None:
    assert read_bound(" latency>1.05 ") == Bound("latency", True, 1.05)
    assert read_bound("accuracy < -1") == Bound("accuracy", False, -1.0)
    assert str(read_bound("size < .5")) == "size < 0.5"
    assert read_bound("top1 < -0.5pp") == read_bound("accuracy<-0.5") == Bound("accuracy", False, -0.5)
    assert read_bound("latency > 1.05x") == read_bound("latency > +5%") == Bound("latency", True, 1.05)


@pytest.mark.parametrize("text", ["latency > 5pp", "top1 < -1%", "size > 3 pp"])
def test_a_bound_in_another_unit_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="is bounded in"):
        read_bound(text)


@pytest.mark.parametrize(
    "text", ["", "latency", "latency > ", "latency >= 1", "> 1", "latency > 1e999", "latency > x" * 9999]
)
def test_what_is_no_bound_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="METRIC > NUMBER"):
        read_bound(text)


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'latency'"):
        read_bound("latencies > 1")


def test_one_bound_that_is_met_decides() -> None:
    assert worst(["not met", "can't tell", "met"]) == "met"
    assert worst(["not met", "can't tell"]) == "can't tell"
    assert worst([]) == "not met"
