"""MLflow's file store, written as the layout that MLflow reads, so that neither MLflow nor a server is needed here.

    mlruns/<experiment>/meta.yaml                     one experiment a study
    mlruns/<experiment>/<run>/meta.yaml               one run a record; its id is the record's
    …/params/NAME, …/tags/NAME                        a value a file
    …/metrics/NAME                                    `milliseconds value step`
    …/artifacts/record.json                           the record itself

`mlflow ui --backend-store-uri mlruns` opens it; MLflow 3.7 and newer ask for MLFLOW_ALLOW_FILE_STORE=true, or import
it with `mlflow migrate-filestore`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from backbench.records.store import write_atomically
from backbench.report.csv import values
from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.report.units import plain_name

STORE = "mlruns"
FINISHED, FAILED = 3, 4  # mlflow.entities.RunStatus
MAX_PARAM = 500  # characters that MLflow's older versions take
PARAMS = ("model", "technique", "runtime", "weights", "recipe", "seed", "dataset", "input", "device", "threads", "batch",
          "boundary", "protocol")  # fmt: skip
TAGS = ("status", "reason", "host", "grade", "dataset_sha256", "warnings", "cell_id", "record_id", "front")
NO_METRICS = {*PARAMS, *TAGS, "number", "study", "created_utc"}


def write(sections: Sequence[Section], folder: Path) -> list[Path]:
    """The store's folder."""
    store = folder / STORE
    for section in sections:
        for row in section.rows:
            experiment = store / experiment_id(row.record.study)
            write_yaml(experiment / "meta.yaml", experiment_meta(experiment, row))
            for path, text in run_files(experiment / row.record.record_id[:32], values(section, row), row):
                write_atomically(path, text)
    return [store]


def experiment_id(study: str) -> str:
    """MLflow's ids are numbers."""
    return str(int(sha256(study.encode()).hexdigest()[:15], 16))


def experiment_meta(experiment: Path, row: Row) -> dict[str, Any]:
    return {
        "artifact_location": experiment.resolve().as_uri(),
        "creation_time": milliseconds(row),
        "experiment_id": experiment.name,
        "last_update_time": milliseconds(row),
        "lifecycle_stage": "active",
        "name": plain_name(row.record.study, 200),
    }


def run_files(run: Path, found: Mapping[str, Any], row: Row) -> Iterator[tuple[Path, str]]:
    """Every file of one run; what is not known has none."""
    moment = milliseconds(row)
    yield run / "meta.yaml", dumped(run_meta(run, moment, row))
    for name, value in found.items():
        if value is None or value == "":
            continue
        if name in PARAMS:
            yield run / "params" / name, plain_name(value, MAX_PARAM)
        elif name in TAGS:
            yield run / "tags" / name, plain_name(value, MAX_PARAM)
        elif name not in NO_METRICS and isinstance(value, (int, float)):
            yield run / "metrics" / name, f"{moment} {float(value)} 0\n"
    yield run / "tags" / "mlflow.runName", plain_name(row.cell.label, 200)
    yield run / "artifacts" / "record.json", row.record.model_dump_json(indent=1) + "\n"


def run_meta(run: Path, moment: int, row: Row) -> dict[str, Any]:
    return {
        "artifact_uri": (run.resolve() / "artifacts").as_uri(),
        "end_time": moment,
        "entry_point_name": "",
        "experiment_id": run.parent.name,
        "lifecycle_stage": "active",
        "run_id": run.name,
        "run_name": plain_name(row.cell.label, 200),
        "run_uuid": run.name,
        "source_name": "backbench",
        "source_type": 4,  # local
        "source_version": "",
        "start_time": moment,
        "status": FINISHED if row.status == "ok" else FAILED,
        "tags": [],
        "user_id": "",
    }


def milliseconds(row: Row) -> int:
    """Of the record's own moment; a text that is no time is the beginning of 1970."""
    try:
        read = datetime.fromisoformat(row.record.created_utc)
    except ValueError:
        return 0
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)


def write_yaml(path: Path, data: Mapping[str, Any]) -> None:
    write_atomically(path, dumped(data))


def dumped(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), default_flow_style=False, allow_unicode=True)
