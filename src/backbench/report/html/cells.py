"""The page of each record: its facts and samples as data that the script sets as text, never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backbench.report.html.series import series
from backbench.report.page import page
from backbench.report.pareto import Standing
from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.report.units import plain_name

MAX_PAGES = 1000  # records that all have a page of their own
FEW_PAGES = 200  # of a larger report: the file stays one that opens quickly, and `backbench show` prints any record
RANK: Mapping[Standing | None, int] = {"front": 0, "~": 1}
SHARED = frozenset({"protocol", "host", "inputs", "conditions", "cost"})  # often equal: written once


def with_page(sections: Iterable[Section]) -> set[int]:
    """The rows that have a page; where there are too many, the front and what is near it before the others."""
    rows = [
        (RANK.get(section.standings.get(row.number), 2), row.number) for section in sections for row in section.shown
    ]
    if len(rows) <= MAX_PAGES:
        return {number for _, number in rows}
    return {number for _, number in sorted(rows)[:FEW_PAGES]}


class Pages:
    """The data of all pages; lines that several records share are kept once in `shared`."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self.numbers = with_page(sections)
        self.shared: list[list[str]] = []
        self._known: dict[tuple[str, ...], int] = {}
        self.cells = [
            self.cell(section, row) for section in sections for row in section.rows if row.number in self.numbers
        ]

    def cell(self, section: Section, row: Row) -> dict[str, Any]:
        return {
            "number": row.number,
            "name": section.names.full(row),
            "group": section.group.title,
            "status": row.status,
            "warnings": [
                [plain_name(one.code, 60), plain_name(one.message, 400), plain_name(one.remedy, 400)]
                for one in row.record.warnings[:50]
            ],
            "parts": [
                [heading, self.lines(heading, lines)] for heading, lines in page(row.found) if heading != "warnings"
            ],
            "series": series(row.record.measurements.get("latency")),
        }

    def lines(self, heading: str, lines: list[str]) -> list[str] | int:
        """The lines themselves, or the place where they are shared."""
        if heading not in SHARED:
            return lines
        key = tuple(lines)
        if key not in self._known:
            self._known[key] = len(self.shared)
            self.shared.append(lines)
        return self._known[key]
