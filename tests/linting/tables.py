"""Small documents for tests of lint."""

from __future__ import annotations

from collections.abc import Sequence

from backbench.linting.finding import Finding
from backbench.linting.lint import lint_document
from backbench.linting.markdown_tables import read_markdown


def markdown(header: str, *rows: str) -> str:
    """A pipe table from lines without their outer bars."""
    divider = "|".join("---" for _ in header.split("|"))
    return "\n".join(f"| {line} |" for line in (header, divider, *rows)) + "\n"


def found_in(text: str) -> Sequence[Finding]:
    return lint_document(read_markdown("example.md", text)).findings


def places(findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    """(rule, row, column) of each."""
    return [(finding.rule, finding.row, finding.column) for finding in findings]
