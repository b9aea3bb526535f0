"""What the records of a run say of it as a whole: the facts that the checklists are filled from."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from backbench.errors import UsageError
from backbench.records.manifest import Manifest, read_manifest
from backbench.records.schema import Record
from backbench.report.folders import records_in
from backbench.report.reading import Found
from backbench.report.rows import Row
from backbench.report.units import plain_name
from backbench.spec.choice import is_reference
from backbench.verifying.facts import dataset_of, part, text, training_of


@dataclass(frozen=True)
class Evidence:
    """A run's rows, and its manifest where it has one."""

    rows: tuple[Row, ...]
    manifest: Manifest | None

    @property
    def records(self) -> list[Record]:
        return [row.record for row in self.rows]

    @cached_property
    def measured(self) -> list[Row]:
        return [row for row in self.rows if row.status == "ok"]

    @cached_property
    def datasets(self) -> list[dict[str, Any]]:
        """Each dataset once, by its content."""
        known = {str(text(dataset_of(row.record), "sha256")): dataset_of(row.record) for row in self.measured}
        return [dataset for sha256, dataset in known.items() if sha256 != "None"]

    @cached_property
    def trainings(self) -> list[dict[str, Any]]:
        """Each training once, by its weights."""
        known = {str(text(training_of(row.record), "weights_sha256")): training_of(row.record) for row in self.measured}
        return [training for sha256, training in known.items() if sha256 != "None"]

    @cached_property
    def own_networks(self) -> list[str]:
        """Networks that are code of the run's author: the records hold their names and not their source."""
        names = {record.cell.model.name for record in self.records}
        return sorted(name for name in names if is_reference(name) and not name.startswith("torchvision:"))

    @property
    def command(self) -> str | None:
        """As it was typed."""
        return plain(shlex.join(self.manifest.command)) if self.manifest else None

    @cached_property
    def evaluations(self) -> int:
        """How often the test part was evaluated, for the artefact that was evaluated most often."""
        return max(
            (row.record.predictions.test_evaluations for row in self.measured if row.record.predictions), default=0
        )

    @cached_property
    def processes(self) -> list[int]:
        return [row.latency.n_processes for row in self.measured if row.latency]

    def distinct(self, values: Iterable[object]) -> str:
        """The distinct values in their first order, joined for a person. They come from records: no code marks in them."""
        return ", ".join(dict.fromkeys(plain(value) for value in values if value not in (None, "", {})))

    def counts(self, dataset: dict[str, Any]) -> str:
        """`train 1295, validation 143, test 359`"""
        images = part(part(dataset, "provenance"), "images")
        return ", ".join(f"{name} {count:,}" for name, count in images.items() if isinstance(count, int))


def plain(value: object) -> str:
    """One line without the sign that would begin code in Markdown."""
    return plain_name(value, 300).replace("`", "'")


def evidence_of(run: Path) -> Evidence:
    """Raises UsageError where there are no records, BackbenchError where one of them or the manifest is unsound."""
    if not run.exists():
        raise UsageError(f"checklist {run}: there is no such folder")
    found: Sequence[Found] = records_in([run])
    rows = tuple(Row(number, item) for number, item in enumerate(found))
    return Evidence(rows, read_manifest(run if run.is_dir() else run.parent))
