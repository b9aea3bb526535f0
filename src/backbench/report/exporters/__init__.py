"""The records in other tools' forms. One file each; this table names them, and imports only the one that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from backbench.errors import UnknownName
from backbench.report.section import Section

Exporter = Callable[[Sequence[Section], Path], list[Path]]  # writes into the folder; the files written
FORMATS = {
    "mlflow": "backbench.report.exporters.mlflow_store",
    "model-index": "backbench.report.exporters.model_index",
    "parquet": "backbench.report.exporters.parquet",
    "timm-csv": "backbench.report.exporters.timm_csv",
}


def exporter(name: str) -> Exporter:
    """Raises UnknownName."""
    if name not in FORMATS:
        raise UnknownName("format", name, FORMATS, "--format")
    write: Exporter = import_module(FORMATS[name]).write
    return write
