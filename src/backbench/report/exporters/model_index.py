"""Hugging Face's `model-index`: the block of a model card's YAML head that holds results, one model a trained network.

Written as `model-index.yml`, to be pasted between the `---` lines of a card. Accuracy is a share, as the Hub's metric
`accuracy` is; latency and size, for which the Hub has no metric, keep their units in their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from backbench.records.store import write_atomically
from backbench.report.groups import part
from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.report.units import plain_name
from backbench.spec.choice import chain_text

NAME = "model-index.yml"
TASK = {"type": "image-classification", "name": "Image Classification"}


def write(sections: Sequence[Section], folder: Path) -> list[Path]:
    models: dict[str, list[dict[str, Any]]] = {}
    for section in sections:
        for row in section.measured:
            if results := list(metrics(row)):
                models.setdefault(plain_name(row.cell.model, 200), []).append(result(row, results))
    index = [{"name": name, "results": results} for name, results in models.items()]
    write_atomically(folder / NAME, yaml.safe_dump({"model-index": index}, sort_keys=False, allow_unicode=True))
    return [folder / NAME]


def result(row: Row, found: list[dict[str, Any]]) -> dict[str, Any]:
    """One cell: its task, its dataset as far as the record knows it, and what produced the numbers."""
    data = part(row.record.inputs, "dataset")
    dataset = {"type": plain_name(row.cell.dataset.name), "name": plain_name(data.get("title") or row.cell.dataset)}
    return {"task": dict(TASK), "dataset": {**dataset, "split": "test"}, "metrics": found}


def metrics(row: Row) -> Iterator[dict[str, Any]]:
    """Of a head that was never trained there is no accuracy."""
    how = plain_name(f"{chain_text(row.cell.technique)} on {row.cell.runtime}", 200)
    conditions = {"technique": chain_text(row.cell.technique), "runtime": str(row.cell.runtime)}
    conditions["record_id"] = row.record.record_id
    if row.accuracy and row.trained:
        share = row.accuracy
        interval = {"low": share.low, "high": share.high, "images": share.n}
        yield metric("accuracy", share.estimate, f"Accuracy ({how})", {**conditions, **interval})
    if row.top5 is not None and row.trained:
        yield metric("top_5_accuracy", row.top5, f"Top-5 accuracy ({how})", conditions)
    if row.latency:
        place = {"host": str(row.conditions.host), "threads": row.cell.threads, "batch": row.cell.batch}
        yield metric("latency", row.latency.median * 1e3, f"Latency, median ms ({how})", {**conditions, **place})
    if row.size is not None:
        yield metric("size", row.size, f"Size, bytes ({how})", conditions)


def metric(kind: str, value: float, name: str, args: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "value": value, "name": name, "args": dict(args)}
