"""One file that can't be used takes nothing else down, and nothing that a file can hold makes a report fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from backbench.cli import app
from backbench.errors import BackbenchError, UsageError
from backbench.records.schema import Record
from backbench.report.reading import MAX_IMAGES, read_record, unpacked
from backbench.report.survey import survey
from backbench.report.writing import make_report, write_report
from backbench.spec.cell import canonical, digest
from records_builder import make_artefact, make_cell, make_measurement, make_record, make_warning, write_records

EAGER, ORT = make_cell("resnet20", "none", "eager"), make_cell("resnet20", "none", "onnxruntime")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return write_records(tmp_path / "run", make_record(EAGER), make_record(ORT, [(5e-4,) * 3] * 5))


def test_a_bad_file_is_listed_on_top_and_the_rest_is_reported(run_folder: Path) -> None:
    (run_folder / "records" / "<b>cut off.json").write_text('{"schema_version": 1, "cell_id"')
    written = make_report(run_folder, [run_folder])
    first = written.shown.faults[0]
    assert first == "1 file could not be used; everything below is computed without it."
    markdown = (run_folder / "report.md").read_text()
    assert markdown.index("1 file could not be used") < markdown.index("2 cells: 2 measured.")
    assert "&lt;b&gt;cut off.json: not JSON, or cut off" in markdown
    page = (run_folder / "report.html").read_text()
    assert page.index("1 file could not be used") < page.index("In short")
    assert "&lt;b&gt;cut off.json" in page
    assert "<b>cut off" not in page


def test_the_command_says_so_with_exit_code_1(run_folder: Path) -> None:
    (run_folder / "records" / "bad.json").write_text("[]")
    done = CliRunner().invoke(app, ["report", str(run_folder)])
    assert done.exit_code == 1
    assert done.output.index("bad.json") < done.output.index("2 measured")
    as_json = CliRunner().invoke(app, ["report", str(run_folder), "--json"])
    assert as_json.exit_code == 1
    assert len(json.loads(as_json.stdout)) == 2
    assert "bad.json" in as_json.stderr


def test_a_clean_folder_is_exit_code_0(run_folder: Path) -> None:
    assert CliRunner().invoke(app, ["report", str(run_folder)]).exit_code == 0


def test_where_nothing_can_be_read_there_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "bad.json").write_text("[]")
    with pytest.raises(BackbenchError, match=r"bad\.json: this is JSON, but no backbench record"):
        write_report(tmp_path, [tmp_path])
    assert not (tmp_path / "report.md").exists()
    with pytest.raises(UsageError, match="no such folder"):
        survey([tmp_path / "nowhere"])


def test_a_study_with_an_impossible_baseline_is_a_fault(run_folder: Path) -> None:
    (run_folder / "study.json").write_text('{"baseline": 5}')
    found = survey([run_folder])
    assert len(found.faults) == 1
    assert "study.json: its baseline is none that a study can have" in found.faults[0]
    assert found.sections[0].baseline_numbers == {1}


def reseal(data: dict[str, Any]) -> dict[str, Any]:
    """The id of changed data, so that nothing but the data themselves can refuse them."""
    return {**data, "record_id": digest({key: value for key, value in data.items() if key != "record_id"}, 64)}


def test_what_is_resealed_is_the_hash(run_folder: Path) -> None:
    path = next((run_folder / "records").glob("*.json"))
    data = json.loads(path.read_text())
    assert reseal(data)["record_id"] == data["record_id"] == read_record(path).record_id


RICH = make_record(
    make_cell("resnet20", "quantize_static:calibration=256", "onnxruntime"),
    warnings=(make_warning(evidence={"a": 1}),),
    measurements={
        "throughput": make_measurement("s", 0.1, 0.2, data=[{"batch": 1}, {"batch": 8}]),
        "peak_memory": make_measurement("byte", 1e6, 2e6),
        "energy": make_measurement("J", reason="no counter"),
    },
    evidence={"steps": [{"technique": "q", "parent": {"stored": 1, "macs": 2}, "child": {"stored": 1, "macs": 1}}]},
    executed={"precision": "int8", "integer_operators": 3},
    artefact=make_artefact(training={"curve": [1, 2]}),
)
HOSTILE: list[Any] = [
    None, True, -1, 10**30, 10**400, 1e300, "", "</script><script>alert(1)</script>", "x" * 100_000, [], [1, "a", None],
    {}, {"a": {"b": []}}, [[{}]],
]  # fmt: skip


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in nested data."""
    keys = data.keys() if isinstance(data, dict) else range(min(len(data), 2)) if isinstance(data, list) else ()
    for key in keys:
        yield (*at, key)
        yield from places(data[key], (*at, key))


def changed(data: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy of the data with another value at one place."""
    if not place:
        return value
    first, *rest = place
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[first] = changed(data[first], tuple(rest), value)
    return copy


PLACES = [place for place in places(json.loads(RICH.model_dump_json())) if place != ("record_id",)]


@pytest.mark.parametrize("value", HOSTILE, ids=[str(value)[:12] for value in HOSTILE])
def test_whatever_stands_in_a_record_is_reported_or_refused(tmp_path: Path, value: Any) -> None:
    """Each place in turn holds something that nobody expects there: one sound record always stays, and no traceback."""
    write_records(tmp_path, make_record(EAGER))
    data = json.loads(RICH.model_dump_json())
    for number, place in enumerate(PLACES):
        content = reseal(changed(data, place, value))
        (tmp_path / "records" / f"h{number:03}.json").write_text(canonical(content))
    written = make_report(tmp_path / "out", [tmp_path])
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>alert" not in page
    assert page.count("</script>") == page.count("<script")
    assert len(page) < 20_000_000
    assert written.shown.counts.startswith(tuple("123456789"))


def test_a_missing_field_is_filled_or_refused(tmp_path: Path) -> None:
    write_records(tmp_path, make_record(EAGER))
    data = json.loads(RICH.model_dump_json())
    for name in data:
        content = {key: value for key, value in data.items() if key != name}
        path = tmp_path / "records" / f"without-{name}.json"
        path.write_text(canonical(reseal(content) if name != "record_id" else content))
    found = survey([tmp_path])
    refused = {line.partition("without-")[2].partition(".json")[0] for line in found.faults}
    needed = {name for name, field in Record.model_fields.items() if field.is_required()}
    assert needed | {"record_id", "schema_version"} == refused


def test_predictions_that_unpack_without_end_are_refused() -> None:
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(bytes(10**7))).decode()
    with pytest.raises(ValueError, match="not 5 numbers"):
        unpacked(bomb, 5)
    with pytest.raises(ValueError, match="images"):
        unpacked(bomb, MAX_IMAGES + 1)


def test_ten_megabytes_of_name_stay_out_of_the_files(tmp_path: Path) -> None:
    long = "y" * 10_000_000
    folder = write_records(tmp_path, make_record(make_cell({"name": long}), study=long, host={"cpu": long}))
    for path in write_report(tmp_path / "out", [folder]):
        assert path.stat().st_size < 300_000, path.name
