"""What is exported is read back by the tools whose forms they are, as far as they are installed."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import yaml
from typer.testing import CliRunner

from backbench.cli import app
from backbench.errors import BackbenchError, UnknownName
from backbench.records.schema import Record
from backbench.report.csv import FIELDS, values
from backbench.report.exporters import FORMATS, exporter
from backbench.report.exporters.parquet import TEXT, TRUTH, WHOLE
from backbench.report.survey import survey
from records_builder import make_artefact, make_cell, make_measurement, make_record, make_refused, write_records

EAGER = make_cell("resnet20", "none", "eager", batch=2)
INT8 = make_cell("resnet20", "quantize_static:calibration=256", "onnxruntime", batch=2)
TIMM_SPEED = [
    "model", "infer_img_size", "infer_samples_per_sec", "infer_step_time", "infer_batch_size", "param_count",
    "infer_gmacs", "infer_macts",
]  # fmt: skip
TIMM_ACCURACY = [
    "model", "img_size", "top1", "top1_err", "top5", "top5_err", "param_count", "crop_pct", "interpolation",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    costs = {"peak_memory": make_measurement("byte", 2e6), "energy": make_measurement("J", reason="no counter")}
    return write_records(
        tmp_path / "run",
        make_record(EAGER, [(2e-3, 4e-3)] * 5, 324, measurements=costs),
        make_record(INT8, [(1e-3, 1e-3)] * 5, 90, artefact=make_artefact(trained=False)),
        make_refused("failed", "out of memory", make_cell({"name": "=1+1"})),
    )


def exported(name: str, folder: Path, out: Path) -> list[Path]:
    return exporter(name)(survey([folder]).sections, out)


def read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames or ()), list(reader)


def test_timms_headers_come_first_and_its_units_hold(folder: Path, tmp_path: Path) -> None:
    speed, accuracy = exported("timm-csv", folder, tmp_path)
    headers, rows = read_csv(speed)
    assert headers[: len(TIMM_SPEED)] == TIMM_SPEED
    first = rows[0]
    assert (first["infer_step_time"], first["infer_samples_per_sec"], first["infer_batch_size"]) == (
        "3.0",
        "666.67",
        "2",
    )
    assert (first["param_count"], first["infer_gmacs"], first["infer_macts"]) == ("0.27", "0.04055", "")
    assert first["infer_img_size"] == "32"
    headers, rows = read_csv(accuracy)
    assert headers[: len(TIMM_ACCURACY)] == TIMM_ACCURACY
    assert [(row["top1"], row["top1_err"]) for row in rows] == [("90.0", "10.0")]  # chance is no result


def test_a_model_index_is_one(folder: Path, tmp_path: Path) -> None:
    (path,) = exported("model-index", folder, tmp_path)
    (model,) = yaml.safe_load(path.read_text())["model-index"]
    assert model["name"] == "resnet20"
    first, second = model["results"]
    assert first["task"]["type"] == "image-classification"
    assert first["dataset"] == {"type": "digits", "name": "Digits (8×8)", "split": "test"}
    assert [(each["type"], each["value"]) for each in first["metrics"]] == [
        ("accuracy", 0.9), ("latency", 3.0), ("size", 1_100_000),
    ]  # fmt: skip
    assert "accuracy" not in [each["type"] for each in second["metrics"]]


def test_a_model_index_is_read_by_the_hubs_library(folder: Path, tmp_path: Path) -> None:
    cards = pytest.importorskip("huggingface_hub.repocard_data", reason="huggingface_hub is not installed")
    (path,) = exported("model-index", folder, tmp_path)
    name, results = cards.model_index_to_eval_results(yaml.safe_load(path.read_text())["model-index"])
    assert name == "resnet20"
    found = {(each.metric_type, each.metric_args["runtime"]): each.metric_value for each in results}
    assert found["accuracy", "eager"] == 0.9
    assert found["latency", "onnxruntime"] == 1.0


def test_the_file_store_has_a_run_for_each_record(folder: Path, tmp_path: Path) -> None:
    (store,) = exported("mlflow", folder, tmp_path)
    (experiment,) = [path for path in store.iterdir() if path.is_dir()]
    assert yaml.safe_load((experiment / "meta.yaml").read_text())["name"] == "example"
    runs = {path.name: path for path in experiment.iterdir() if path.is_dir()}
    rows = [row for section in survey([folder]).sections for row in section.rows]
    assert set(runs) == {row.record.record_id[:32] for row in rows}
    ok = runs[rows[0].record.record_id[:32]]
    moment, value, step = (ok / "metrics" / "latency_mean_s").read_text().split()
    assert (float(value), step, int(moment)) == (3e-3, "0", 1_795_168_800_000)
    assert (ok / "params" / "model").read_text() == "resnet20"
    assert Record.model_validate_json((ok / "artifacts" / "record.json").read_text()) == rows[0].record
    assert not (ok / "metrics" / "energy_j_per_image").exists()


def test_mlflow_reads_the_file_store(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    (store,) = exported("mlflow", folder, tmp_path)
    from mlflow.store.tracking.file_store import FileStore

    opened = FileStore(str(store))
    (experiment,) = [each for each in opened.search_experiments() if each.name == "example"]
    runs = opened.search_runs([experiment.experiment_id], "", 1)
    assert len(runs) == 3
    best = next(run for run in runs if run.data.params["runtime"] == "eager" and run.info.status == "FINISHED")
    assert best.data.metrics["accuracy"] == 0.9
    assert best.data.tags["mlflow.runName"] == "resnet20 · none · eager"


def test_parquet_holds_the_report_and_every_raw_value(folder: Path, tmp_path: Path) -> None:
    report, samples = exported("parquet", folder, tmp_path)
    rows = pyarrow.parquet.read_table(report).to_pylist()
    expected = [values(section, row) for section in survey([folder]).sections for row in section.rows]
    assert [list(row) for row in rows] == [list(FIELDS)] * 3
    assert rows[0] == expected[0]
    raw = pyarrow.parquet.read_table(samples).to_pylist()
    timed = [
        row
        for row in raw
        if row["metric"] == "latency" and not row["warmup"] and row["record_id"] == rows[0]["record_id"]
    ]
    assert [row["value"] for row in timed] == [2e-3, 4e-3] * 5
    assert [(row["round"], row["call"]) for row in timed] == [
        (number, call) for number in range(5) for call in range(2)
    ]
    assert {row["unit"] for row in raw if row["metric"] == "peak_memory"} == {"byte"}
    assert sum(row["warmup"] for row in raw) == 10


def test_parquets_types_do_not_depend_on_the_records(folder: Path, tmp_path: Path) -> None:
    empty = write_records(tmp_path / "empty", make_refused("skipped", "no kernels"))
    schemas = [
        pyarrow.parquet.read_schema(exported("parquet", each, tmp_path / each.name)[0]) for each in (folder, empty)
    ]
    assert schemas[0].equals(schemas[1])
    assert set(FIELDS) >= TEXT | WHOLE | TRUTH
    assert len(TEXT | WHOLE | TRUTH) == len(TEXT) + len(WHOLE) + len(TRUTH)


def test_the_command_writes_several(folder: Path, tmp_path: Path) -> None:
    arguments = ["report", str(folder), "--out", str(tmp_path), "--format", "timm-csv", "--format", "model-index"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    names = {"timm-benchmark-infer.csv", "timm-results.csv", "model-index.yml"}
    assert names <= {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "report.md").exists()


def test_an_unknown_format_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--format", "model_index"])
    assert isinstance(done.exception, UnknownName)
    assert "did you mean 'model-index'?" in str(done.exception)


@pytest.mark.parametrize("name", FORMATS)
def test_a_place_that_can_hold_no_folder_is_one_sentence(name: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackbenchError, match="can't be written"):
        exported(name, folder, tmp_path / "file" / "out")


@pytest.mark.parametrize("name", FORMATS)
def test_names_that_are_no_names_are_written_as_text(name: str, tmp_path: Path) -> None:
    evil: dict[str, Any] = {"name": "../../x\n---\n- !!python/object:os.system\x00"}
    folder = write_records(tmp_path / "run", make_record(make_cell(evil), study="../../y"))
    written = exported(name, folder, tmp_path / "deep" / "out")
    assert all(path.resolve().is_relative_to(tmp_path / "deep" / "out") for path in written)
    assert {path.name for path in tmp_path.iterdir()} <= {"run", "deep", "cache"}
    for path in (path for place in written for path in place.rglob("*.yaml")):
        yaml.safe_load(path.read_text())
