"""What is said below a table, under its headings; computed once, for it is said in Markdown and in HTML."""

from __future__ import annotations

from backbench.report.changes import changes
from backbench.report.doubts import doubts
from backbench.report.remarks import conditions, remarks
from backbench.report.section import Section

MAX_LINES = 500  # below one heading
WRITERS = {
    "What the numbers leave out": remarks,
    "What the techniques changed": changes,
    "What to doubt": doubts,
    "Conditions": conditions,
}


def notes(section: Section) -> dict[str, list[str]]:
    """Heading → its lines; headings with nothing below them are left out."""
    for heading, write in WRITERS.items():
        if heading not in section.notes:
            section.notes[heading] = shortened(write(section))
    return {heading: lines for heading, lines in section.notes.items() if lines}


def shortened(lines: list[str]) -> list[str]:
    more = [f"… and {len(lines) - MAX_LINES:,} more"] if len(lines) > MAX_LINES else []
    return lines[:MAX_LINES] + more
