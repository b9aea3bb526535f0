"""What rows are called: as short as tells them apart, with what was left out said in full once a table.

A technique or a runtime shows the options that vary among its measured namesakes in the table; the rest stands in the
legend. What was not measured shows those as well in which it differs from all that were.
A model shows all of its options. Fields such as seed, recipe and weights are shown where they vary.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backbench.report.rows import Row
from backbench.report.units import plain_name
from backbench.spec.choice import Choice, plain

EXTRA = ("weights", "recipe", "seed")  # fields of a cell that neither head a group nor have a column


class Names:
    """The names of one table's rows."""

    def __init__(self, rows: Sequence[Row]) -> None:
        measured = choices_of(row for row in rows if row.status == "ok")
        known = {choice.name for choice in measured}
        # Options that only an unmeasured cell has would lengthen every name.
        self.choices = measured + [choice for choice in choices_of(rows) if choice.name not in known]
        self.varying = {name: varying(namesakes(self.choices, name)) for name in {one.name for one in self.choices}}
        self.usual = {choice.name: choice.options for choice in reversed(self.choices)}  # of those that don't vary
        self.extra = [field for field in EXTRA if len({getattr(row.cell, field) for row in rows}) > 1]

    def model(self, row: Row) -> str:
        extra = [f"{field} {plain_name(getattr(row.cell, field), 30)}" for field in self.extra]
        stated = {key: value for key, value in row.cell.model.options.items() if value is not None}
        return " · ".join([plain_name(Choice.model_construct(name=row.cell.model.name, options=stated), 80), *extra])

    def technique(self, row: Row) -> str:
        return plain_name("+".join(map(self.short, row.cell.technique)) or "none")

    def runtime(self, row: Row) -> str:
        return self.short(row.cell.runtime)

    def full(self, row: Row) -> str:
        return " · ".join((self.model(row), self.technique(row), self.runtime(row)))

    def short(self, choice: Choice) -> str:
        differing, usual = self.varying[choice.name], self.usual[choice.name]
        shown = {
            key: value
            for key, value in choice.options.items()
            if key in differing or (value is not None and plain(value) != plain(usual.get(key)))
        }
        return plain_name(Choice.model_construct(name=choice.name, options=shown))

    def legend(self) -> list[str]:
        """Techniques and runtimes whose options are not all in the table, written out with those that never vary."""
        lines = []
        for name in sorted(self.varying):
            kept = {key: value for key, value in self.usual[name].items() if key not in self.varying[name]}
            if kept:
                lines.append(f"{plain_name(name)}: " + ", ".join(option(key, value) for key, value in kept.items()))
        return lines


def choices_of(rows: Iterable[Row]) -> list[Choice]:
    """Runtimes and techniques of the rows."""
    cells = [row.cell for row in rows]
    return [*(cell.runtime for cell in cells), *(part for cell in cells for part in cell.technique)]


def namesakes(choices: Iterable[Choice], name: str) -> list[Choice]:
    return [choice for choice in choices if choice.name == name]


def varying(choices: Sequence[Choice]) -> set[str]:
    """The options whose values are not the same in all of them."""
    keys = {key for choice in choices for key in choice.options}
    return {key for key in keys if len({plain(choice.options.get(key, ...)) for choice in choices}) > 1}


def option(key: str, value: object) -> str:
    return plain_name(f"{key}={plain(value)}", 60)
