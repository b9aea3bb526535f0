"""`lint(path)`: every rule over one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backbench.linting.document import Document
from backbench.linting.finding import SEVERITIES, Finding
from backbench.linting.read_file import read_file
from backbench.linting.reading import read_document
from backbench.linting.rules import RULES


@dataclass(frozen=True)
class Report:
    """What lint read and found in one file; `tables` counts those with a column of results."""

    file: str
    tables: int
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing but notes was found."""
        return all(finding.severity == "note" for finding in self.findings)

    def data(self) -> dict[str, Any]:
        return {"file": self.file, "tables": self.tables, "findings": [finding.data() for finding in self.findings]}


def lint(path: Path) -> Report:
    """Raises UsageError for a file that can't be read as text with tables."""
    return lint_document(read_file(path))


def lint_document(document: Document) -> Report:
    """In the order of the lines; at one line the graver first."""
    readings = read_document(document)
    found = dict.fromkeys(finding for rule in RULES.values() for finding in rule(document, readings))
    ordered = sorted(found, key=lambda one: (one.line, SEVERITIES.index(one.severity), one.rule, one.column))
    return Report(document.file, len(readings), tuple(ordered))
