"""`recommend`'s answer in sentences and as data, each with its evidence: figures, intervals, grade, record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backbench.report.advice import Advice
from backbench.report.csv import Value, values
from backbench.report.limits import KINDS, Limit
from backbench.report.rows import Row

SHOWN = tuple(KINDS[name] for name in ("min-accuracy", "max-latency", "max-size"))  # said of every row
MAX_LISTED = 6


def lines(advice: Advice) -> list[str]:
    """The answer for one table."""
    wanted = " and ".join(map(str, advice.limits)) or "every limit, for none was given"
    head = [advice.section.group.title]
    if advice.recommended:
        return [*head, f"Ship {named(advice, advice.recommended)}.", f"  It fits {wanted}: {evidence(advice, advice.recommended)}.",
                *fitting(advice), *maybe(advice)]  # fmt: skip
    if advice.maybe:
        said = f"Nothing surely fits {wanted}; of these it can't be told, an interval holds a limit:"
        return [*head, said, *listed(advice, advice.maybe), *near(advice)]
    return [*head, f"None fits {wanted}.", *near(advice)]


def fitting(advice: Advice) -> list[str]:
    """What else fits."""
    said = []
    if advice.alike:
        said += ["Fits too, and can't be told from it in accuracy on these images:", *listed(advice, advice.alike)]
    if advice.others:
        said += ["Fits too, and is less accurate, or its accuracy is not known:", *listed(advice, advice.others)]
    return said


def maybe(advice: Advice) -> list[str]:
    if not advice.maybe:
        return []
    return ["May fit: an interval holds a limit, more processes would tell:", *listed(advice, advice.maybe)]


def near(advice: Advice) -> list[str]:
    return ["Nearest:", *listed(advice, advice.nearest)] if advice.nearest else []


def listed(advice: Advice, rows: Sequence[Row]) -> list[str]:
    shown = [f"  {named(advice, row)}: {evidence(advice, row)}" for row in rows[:MAX_LISTED]]
    return [*shown, f"  and {len(rows) - MAX_LISTED} more"] if len(rows) > MAX_LISTED else shown


def named(advice: Advice, row: Row) -> str:
    return f"{advice.section.names.full(row)} (record {row.record.record_id[:12]})"


def evidence(advice: Advice, row: Row) -> str:
    """The limited quantities with their shortfalls, then the usual ones, then the host's grade."""
    limited = [limit.said(row) for limit in advice.limits]
    asked = {limit.kind.name for limit in advice.limits}
    also = [
        Limit(kind, unlimited(kind.most)).said(row) for kind in SHOWN if kind.name not in asked and kind.interval(row)
    ]
    grade = f"host grade {row.grade}" if row.grade else ""
    return "; ".join(part for part in (*limited, *also, grade) if part)


def unlimited(most: bool) -> float:
    """A bound that nothing misses."""
    return float("inf") if most else 0.0


def data(advice: Advice) -> dict[str, Any]:
    """As `report --json` has its rows."""
    return {
        "conditions": advice.section.group.title,
        "limits": [str(limit) for limit in advice.limits],
        "verdict": advice.verdict,
        "recommended": values(advice.section, advice.recommended) if advice.recommended else None,
        "alike_in_accuracy": all_values(advice, advice.alike),
        "fits_too": all_values(advice, advice.others),
        "cannot_tell": all_values(advice, advice.maybe),
        "nearest": all_values(advice, advice.nearest),
    }


def all_values(advice: Advice, rows: Sequence[Row]) -> list[dict[str, Value]]:
    return [values(advice.section, row) for row in rows]
