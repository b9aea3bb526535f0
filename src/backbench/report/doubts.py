"""What the reader should know before using the numbers: every warning once, with its rows and its remedy."""

from __future__ import annotations

from collections.abc import Sequence

from backbench.report.groups import mixed
from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.report.units import numbered, plain_name, plural

MAX_LISTED = 8


def trust(section: Section) -> list[str]:
    """One sentence for the head of the report, where the host's grade or a warning limits every number."""
    grades = sorted({row.grade for row in section.measured if row.grade})
    shared = sorted(common(section))
    parts = [f"host grade {' and '.join(grades)}"] if set(grades) & {"C", "D"} else []
    parts += [f"in every row {', '.join(shared)}"] if shared else []
    return [f"Careful with the timings: {'; '.join(parts)} (see the doubts and conditions below)."] if parts else []


def common(section: Section) -> set[str]:
    """Codes of the warnings that every measured row carries."""
    codes = [{plain_name(warn.code, 60) for warn in row.record.warnings} for row in section.measured]
    return set.intersection(*codes) if codes else set()


def doubts(section: Section) -> list[str]:
    """`code (rows): what holds. Remedy: …`, then what the rows' conditions leave open."""
    warnings = [doubt(section, code, remedy, rows) for (code, remedy), rows in warned(section).items()]
    return warnings + unlike(section) + unpaired(section) + superseded(section)


def doubt(section: Section, code: str, remedy: str, rows: Sequence[Row]) -> str:
    """Where rows say it with different numbers, the first one's stands for all."""
    messages = [message_of(row, code) for row in rows]
    lead = "" if len(set(messages)) == 1 else f"e.g. in #{rows[0].number}, "
    said = f"{plain_name(code, 60)} ({which(section, rows)}): {lead}{sentence(messages[0])}"
    return f"{said} Remedy: {sentence(remedy)}" if remedy else said


def which(section: Section, rows: Sequence[Row]) -> str:
    every = len(rows) == len(section.measured) and len(rows) > 1
    return "every row" if every else numbered([row.number for row in rows])


def warned(section: Section) -> dict[tuple[str, str], list[Row]]:
    """(code, remedy) → the rows that carry such a warning."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in section.measured:
        for warn in {one.code: one for one in row.record.warnings}.values():
            found.setdefault((warn.code, warn.remedy), []).append(row)
    return found


def message_of(row: Row, code: str) -> str:
    return next(warn.message for warn in row.record.warnings if warn.code == code)


def sentence(text: str) -> str:
    plain = plain_name(text, 400).rstrip(".")
    return f"{plain}."


def unlike(section: Section) -> list[str]:
    """Versions that differ inside the table."""
    found = mixed(row.found for row in section.measured)
    if not found:
        return []
    listed = "; ".join(f"{name} {' and '.join(values)}" for name, values in found.items())
    return [f"The rows were not measured with the same software: {listed}. Remedy: run the study again in one folder."]


def unpaired(section: Section) -> list[str]:
    rows = [
        row for row in section.rows if (found := section.versus.get(row.number)) and found.ratio and not found.paired
    ]
    if not rows:
        return []
    said = (
        f"{which(section, rows)}: the baseline was not measured in the same rounds, so the ratio is unpaired (Welch's t"
    )
    said += " on logs) and does not know whether the machine changed in between."
    return [f"{said} Remedy: run both in one study."]


def superseded(section: Section) -> list[str]:
    count = len(section.group.superseded)
    if not count:
        return []
    ids = ", ".join(item.record.record_id[:12] for item in section.group.superseded[:MAX_LISTED])
    more = f" and {count - MAX_LISTED} more" if count > MAX_LISTED else ""
    said = f"{plural(count, 'older record')} of cells that were measured more than once"
    return [f"{said}: left out, the newest is shown ({ids}{more})."]
