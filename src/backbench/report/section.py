"""One group of a report with everything that is computed over its rows: order, baselines, the best, the front."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from backbench.report.axes import LATENCY, Axis
from backbench.report.comparison import Versus, against, baselines
from backbench.report.groups import Group, group
from backbench.report.names import Names
from backbench.report.pareto import Interval, Point, Standing, standings
from backbench.report.reading import Found
from backbench.report.rows import Row
from backbench.report.units import plain_name

Mark = Literal["best", "=", "~", ""]
MAX_SHOWN = 2000  # rows of a table: more can neither be read nor sorted in a browser


@dataclass(frozen=True)
class Section:
    """The rows of one group, numbered through the report."""

    group: Group
    rows: tuple[Row, ...]

    @cached_property
    def names(self) -> Names:
        return Names(self.rows)

    @cached_property
    def by_number(self) -> dict[int, Row]:
        return {row.number: row for row in self.rows}

    @cached_property
    def measured(self) -> list[Row]:
        return [row for row in self.rows if row.status == "ok"]

    @cached_property
    def shown(self) -> list[Row]:
        """What a table for a person holds: all rows, or of thousands the front, then what is near it, then the first."""
        if len(self.rows) <= MAX_SHOWN:
            return list(self.rows)
        rank = {"front": 0, "~": 1}
        first = sorted(self.rows, key=lambda row: rank.get(self.standings.get(row.number, ""), 2))[:MAX_SHOWN]
        return sorted(first, key=lambda row: row.number)

    @property
    def left_out(self) -> int:
        """Rows that only report.csv has."""
        return len(self.rows) - len(self.shown)

    @cached_property
    def by_speed(self) -> list[Row]:
        """What was measured, the fastest first, the untimed last."""
        return sorted(self.measured, key=lambda row: row.latency.median if row.latency else math.inf)

    @cached_property
    def shared_warnings(self) -> frozenset[str]:
        """Codes that every measured row carries."""
        codes = [{plain_name(warn.code, 60) for warn in row.record.warnings} for row in self.measured]
        return frozenset(set.intersection(*codes)) if codes else frozenset()

    @cached_property
    def versus(self) -> dict[int, Versus]:
        """Row number → against its baseline."""
        return against(baselines(self.rows))

    @cached_property
    def baseline_numbers(self) -> set[int]:
        return {found.base.number for found in self.versus.values()}

    @cached_property
    def fastest(self) -> Row | None:
        return best(self.measured, lambda row: -row.latency.median if row.latency else None)

    @cached_property
    def most_accurate(self) -> Row | None:
        """Of those whose head was trained: chance competes with nothing. Of equal ones the fastest."""
        return best(self.by_speed, lambda row: row.accuracy.estimate if row.accuracy and row.trained else None)

    @cached_property
    def smallest(self) -> Row | None:
        """Of equal ones the fastest."""
        return best(self.by_speed, lambda row: None if row.size is None else -row.size)

    @cached_property
    def speed_marks(self) -> dict[int, Mark]:
        """Row number → how its latency stands to the best one: = is the same within 2 %, ~ can't be told."""
        found = self.against_best(self.fastest, lambda row: row.latency is not None)
        verdicts: dict[str | None, Mark] = {"same": "=", "can't tell": "~", "faster": "~", None: ""}
        return self.marks(self.fastest, {number: verdicts.get(one.verdict, "") for number, one in found.items()})

    @cached_property
    def accuracy_marks(self) -> dict[int, Mark]:
        """Row number → how its accuracy stands to the best one: = has the same images right, ~ can't be told."""
        found = self.against_best(self.most_accurate, lambda row: row.accuracy is not None and row.trained)
        return self.marks(self.most_accurate, {number: accuracy_mark(one) for number, one in found.items()})

    def against_best(self, top: Row | None, has_it: Callable[[Row], bool]) -> dict[int, Versus]:
        return against([(row, top) for row in self.measured if top is not row and has_it(row)]) if top else {}

    def marks(self, top: Row | None, others: dict[int, Mark]) -> dict[int, Mark]:
        return {**others, top.number: "best"} if top and others else others

    @cached_property
    def points(self) -> list[Point]:
        """The trained rows that have both an accuracy and a latency."""
        return self.points_on(LATENCY)

    def points_on(self, axis: Axis) -> list[Point]:
        """The trained rows that have both an accuracy and this cost."""
        if axis.name not in self._points:
            found = [point for row in self.measured if row.trained and (point := point_of(row, axis))]
            self._points[axis.name] = found
        return self._points[axis.name]

    def standings_on(self, axis: Axis) -> dict[int, Standing]:
        """Row number → front, ~ or dominated, in accuracy against this cost."""
        if axis.name not in self._standings:
            self._standings[axis.name] = standings(self.points_on(axis))
        return self._standings[axis.name]

    # Each is computed once a report, by whoever asks first, and asked for by several writers.
    @cached_property
    def _standings(self) -> dict[str, dict[int, Standing]]:
        return {}

    @cached_property
    def _points(self) -> dict[str, list[Point]]:
        return {}

    @cached_property
    def texts(self) -> dict[str, dict[int, str]]:
        """Title of a column → row number → text: see `table`."""
        return {}

    @cached_property
    def notes(self) -> dict[str, list[str]]:
        """Heading → lines: see `notes`."""
        return {}

    @property
    def standings(self) -> dict[int, Standing]:
        return self.standings_on(LATENCY)

    def on_front(self, standing: Standing) -> list[Row]:
        """Rows of this standing, the fastest first."""
        return [row for row in self.by_speed if self.standings.get(row.number) == standing]


def sections(found: Sequence[Found]) -> list[Section]:
    """The report's sections; rows are numbered through, so that a number names one row."""
    made, number = [], 0
    for each in group(found):
        ordered = sorted(each.found, key=order)
        made.append(Section(each, tuple(Row(number + place, item) for place, item in enumerate(ordered, 1))))
        number += len(ordered)
    return made


def order(item: Found) -> tuple[object, ...]:
    """By model; the untouched network in eager first, then by technique and runtime; what was not measured last."""
    cell = item.record.cell
    untouched = (len(cell.technique), cell.runtime.name != "eager")
    names = (cell.recipe or "", cell.seed, "+".join(map(str, cell.technique)), str(cell.runtime), item.record.cell_id)
    return (item.record.status != "ok", str(cell.model), cell.weights or "", *untouched, *names)


def best(rows: Sequence[Row], score: Callable[[Row], float | None]) -> Row | None:
    """The row of the highest score; the first of equals; None where no row has one."""
    scored = [(value, row) for row in rows if (value := score(row)) is not None]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def accuracy_mark(found: Versus) -> Mark:
    if found.p is None:
        return "~"  # other test images: nothing can be told
    if found.equal_predictions:
        return "="
    return "" if found.accuracy_differs else "~"


def point_of(row: Row, axis: Axis) -> Point | None:
    cost = axis.interval(row)
    if row.accuracy is None or cost is None or row.record.predictions is None:
        return None
    accuracy = Interval(row.accuracy.estimate, row.accuracy.low, row.accuracy.high)
    return Point(row.number, accuracy, cost, row.record.predictions.predicted)
