"""What should I ship? The rows of each table against a person's limits, with what can't be told, or what is nearest.

Of the rows that surely fit, the most accurate is recommended; of several whose accuracies can't be told apart (McNemar's
test on the same images, adjusted over them) the fastest. Records of unlike conditions are answered apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backbench.report.comparison import against
from backbench.report.limits import Limit
from backbench.report.rows import Row
from backbench.report.section import Section, best

Verdict = Literal["fits", "can't tell", "none"]
NEAREST = 3


@dataclass(frozen=True)
class Advice:
    """For one table. `alike`: what fits too and can't be told from the recommended row in accuracy; `maybe`: rows of
    which an interval holds a limit; `nearest`: where nothing fits, what misses by least.
    """

    section: Section
    limits: tuple[Limit, ...]
    recommended: Row | None
    alike: tuple[Row, ...]
    others: tuple[Row, ...]  # fit, and are less accurate
    maybe: tuple[Row, ...]
    nearest: tuple[Row, ...]

    @property
    def verdict(self) -> Verdict:
        return "fits" if self.recommended else "can't tell" if self.maybe else "none"


def advise(section: Section, limits: Sequence[Limit]) -> Advice:
    standings = {row.number: {limit.standing(row) for limit in limits} for row in section.measured}
    fitting = [row for row in section.measured if standings[row.number] == {"fits"}]
    maybe = [row for row in section.measured if standings[row.number] in ({"fits", "can't tell"}, {"can't tell"})]
    top = most_accurate(fitting)
    alike = indistinct(top, fitting) if top else []
    recommended = fastest([top, *alike]) if top else fastest(fitting)
    rest = [row for row in fitting if row is not recommended and row not in alike]
    return Advice(
        section,
        tuple(limits),
        recommended,
        tuple(row for row in ([top] if top else []) + alike if row is not recommended),
        tuple(row for row in rest if row is not top),
        tuple(sorted(maybe, key=lambda row: misses(row, limits))),
        () if recommended else tuple(nearest(section, limits, maybe)),
    )


def most_accurate(rows: Sequence[Row]) -> Row | None:
    return best(rows, lambda row: row.accuracy.estimate if row.accuracy and row.trained else None)


def fastest(rows: Sequence[Row]) -> Row | None:
    timed = best(rows, lambda row: -row.latency.median if row.latency else None)
    return timed or (rows[0] if rows else None)


def indistinct(top: Row, rows: Sequence[Row]) -> list[Row]:
    """The others whose accuracy can't be told from the best one's."""
    others = [row for row in rows if row is not top and row.accuracy and row.trained]
    found = against([(row, top) for row in others])
    return [row for row in others if not found[row.number].accuracy_differs]


def nearest(section: Section, limits: Sequence[Limit], besides: Sequence[Row]) -> list[Row]:
    """Those whose worst shortfall is least."""
    known = [row for row in section.measured if row not in besides]
    return sorted(known, key=lambda row: misses(row, limits))[:NEAREST]


def misses(row: Row, limits: Sequence[Limit]) -> tuple[float, float]:
    shortfalls = [limit.shortfall(row) for limit in limits]
    return max(shortfalls, default=0.0), sum(shortfalls)


def overall(found: Sequence[Advice]) -> Verdict:
    """The best answer of all tables."""
    verdicts = {each.verdict for each in found}
    return "fits" if "fits" in verdicts else "can't tell" if "can't tell" in verdicts else "none"
