"""Records made by hand, with raw samples that a test chooses, for tests of what is computed from records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbench.records.schema import Conditions, Gate, Measurement, Predictions, Record, Sample, Warn, pack
from backbench.spec.cell import Cell

HOST: dict[str, Any] = {
    "name": "0a1b2c3d",
    "cpu": "Imaginary CPU 3.0 GHz",
    "isa": ["avx2"],
    "logical_cpus": 4,
    "ram": 8_000_000_000,
    "kernel": "Linux 6.1",
    "python": "3.12.1",
    "packages": {"numpy": "2.0.0", "onnxruntime": "1.31.0"},
    "gpu": None,
}
DATASET: dict[str, Any] = {"name": "digits", "title": "Digits (8×8)", "sha256": "d" * 64, "n": 360}
PREPROCESSING: dict[str, Any] = {"size": [32, 32], "channels": 3, "mean": [0.5] * 3, "std": [0.25] * 3}


def make_cell(model: Any = "resnet20", technique: Any = "none", runtime: Any = "eager", **fields: Any) -> Cell:
    """A cell of digits; every field can be given."""
    defaults: dict[str, Any] = {"dataset": "digits", "recipe": "small", "threads": 2}
    return Cell.model_validate({**defaults, **fields, "model": model, "technique": technique, "runtime": runtime})


def make_record(
    cell: Cell | None = None,
    latency: Sequence[Sequence[float]] | Mapping[int, Sequence[float]] | None = ((0.001, 0.001, 0.001),) * 5,
    correct: int | None = 324,
    n: int = 360,
    **fields: Any,
) -> Record:
    """A sealed record. `latency`: seconds of each call, by round; `correct` of `n` test images are right, the first
    ones.
    """
    cell = cell or make_cell()
    measurements: dict[str, Measurement] = dict(fields.pop("measurements", {}))
    if latency is not None:
        measurements["latency"] = make_latency(latency)
    content: dict[str, Any] = {
        "created_utc": "2026-11-20T10:00:00Z",
        "tool": {"name": "backbench", "version": "0.1.0", "commit": None, "dirty": None},
        "study": "example",
        "cell_id": cell.id,
        "cell": cell,
        "protocol": {"name": "quick", "samples": 5},
        "status": "ok",
        "inputs": {"dataset": DATASET, "preprocessing": PREPROCESSING},
        "artefact": make_artefact(),
        "cost": {"counters": {"flop_counter": 40_550_000, "onnx": 40_600_000}, "uncounted": [], "disputed": False},
        "gate": make_gate(),
        "predictions": None if correct is None else make_predictions(correct, n),
        "host": HOST,
        "conditions": Conditions(grade="C", grade_reasons=("virtual machine",), load=0.3, canary_drift=0.01),
    }
    return Record.model_validate({**content, **fields, "measurements": measurements}).sealed()


def make_refused(status: str, reason: str, cell: Cell | None = None, **fields: Any) -> Record:
    """A skipped or failed record: nothing is known but the cell and the reason."""
    empty = {"inputs": {}, "artefact": None, "cost": {}, "gate": None, "conditions": None}
    return make_record(cell, None, None, **{**empty, **fields}, status=status, reason=reason)


def make_latency(rounds: Sequence[Sequence[float]] | Mapping[int, Sequence[float]]) -> Measurement:
    pairs = rounds.items() if isinstance(rounds, Mapping) else enumerate(rounds)
    data = {"warmup": [0.01], "first": 0.02, "load": 0.5, "imported": 1.0, "overhead": 1e-7, "regime": "steady"}
    return Measurement(
        unit="s", samples=tuple(Sample(round=number, values=tuple(values), data=data) for number, values in pairs)
    )


def make_measurement(
    unit: str, *values: float, reason: str | None = None, data: Sequence[dict[str, Any]] = ()
) -> Measurement:
    """One value a sample and round."""
    each = list(data) or [{}] * len(values)
    samples = tuple(Sample(round=number, values=(value,), data=each[number]) for number, value in enumerate(values))
    return Measurement(unit=unit, samples=samples, reason=reason)


def make_predictions(correct: int, n: int = 360, wrong_first: bool = False) -> Predictions:
    """`correct` of `n` right: the first ones, or the last ones."""
    labels = np.arange(n) % 10
    right = np.arange(n) >= n - correct if wrong_first else np.arange(n) < correct
    predicted = np.where(right, labels, (labels + 1) % 10)
    return Predictions(n=n, predicted=pack(predicted), labels=pack(labels), logits_sha256="e" * 64, test_evaluations=1)


def make_artefact(**fields: Any) -> dict[str, Any]:
    parameters = {
        "stored": 269_722,
        "nonzero": 269_000,
        "trainable": 269_722,
        "subnormal": 0,
        "weights_bytes": 1_084_264,
    }
    return {
        "id": "a" * 16,
        "format": "onnx",
        "bytes": 1_100_000,
        "files": [],
        "opset": 18,
        "parameters": parameters,
        **fields,
    }


def make_gate(passed: bool = True) -> Gate:
    return Gate(n=256, agreement=1.0, max_error=1e-6, mean_error=1e-7, cosine=1.0, tolerance="fp32", passed=passed)


def make_warning(code: str = "unsteady", **fields: Any) -> Warn:
    return Warn(**{"code": code, "message": "the series did not settle", "remedy": "close other programs", **fields})


def write_records(folder: Path, *records: Record) -> Path:
    """The records in a run's folder, as a run leaves them."""
    (folder / "records").mkdir(parents=True, exist_ok=True)
    for record in records:
        (folder / "records" / f"{record.cell_id}.json").write_text(record.model_dump_json(indent=1) + "\n")
    return folder
