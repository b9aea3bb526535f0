"""A table with its columns understood: which way it lies, what each row is called, numbers in base units."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property

from backbench.linting.columns import EXPECTED, Column, Kind, understand
from backbench.linting.document import Cell, Document, Row, Table
from backbench.linting.finding import Finding, Severity, shown
from backbench.linting.layout import laid_out
from backbench.linting.numbers import Number, read_number
from backbench.linting.units import factor_of


@dataclass(frozen=True)
class Amount:
    """In base units; the truth lies within one step of the last printed digit."""

    value: float
    step: float
    text: str

    @property
    def low(self) -> float:
        return self.value - self.step

    @property
    def high(self) -> float:
        return self.value + self.step


@dataclass(frozen=True)
class Item:
    """One row: `name` is its first text, `label` all of its text, `links` where its links lead."""

    number: int
    line: int
    name: str
    label: str
    links: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: dict[int, Number] = field(hash=False, compare=False)


@dataclass(frozen=True)
class Reading:
    """One table, read. Rules ask it for columns of a kind and for amounts."""

    file: str
    table: Table
    columns: tuple[Column, ...]
    items: tuple[Item, ...]

    def of(self, *kinds: Kind) -> list[Column]:
        return [column for column in self.columns if column.kind in kinds]

    def whole(self, *kinds: Kind) -> list[Column]:
        """Those whose title does not say that they are about the compressed form."""
        return [column for column in self.of(*kinds) if column.side != "new"]

    def amount(self, item: Item, column: Column) -> Amount | None:
        """In base units; None where the cell is no number, or nobody says in which unit it is."""
        number = item.numbers.get(column.number)
        factor = self.factor(column, number) if number else None
        if number is None or factor is None:
            return None
        return Amount(number.value * factor, number.step * abs(factor), number.text)

    def factor(self, column: Column, number: Number) -> float | None:
        own = factor_of(number.unit) if number.unit else None
        expected = EXPECTED.get(str(column.kind))
        if own and (expected is None or own.dimension == expected):
            return own.factor
        if column.unit:
            return column.unit.factor
        if expected in (None, "percent", "rate"):
            return 1.0
        return self.guessed.get(column.number)

    @cached_property
    def guessed(self) -> dict[int, float]:
        """Parameters without a unit: millions where they are small and have decimals, elements where they are large."""
        found: dict[int, float] = {}
        for column in self.of("parameters", "nonzero"):
            numbers = [item.numbers[column.number] for item in self.items if column.number in item.numbers]
            if numbers and all(number.value < 3000 for number in numbers) and any(n.step < 1 for n in numbers):
                found[column.number] = 1e6
            elif numbers and all(number.value >= 10_000 and number.step >= 1 for number in numbers):
                found[column.number] = 1.0
        return found

    @cached_property
    def settings(self) -> tuple[int, ...]:
        """The columns of numbers that were set and not measured; one that only counts the rows is none."""
        return tuple(one.number for one in self.columns if not one.result and not self.counts_rows(one.number))

    def counts_rows(self, column: int) -> bool:
        values = [item.numbers[column].value for item in self.items if column in item.numbers]
        return len(values) > 1 and all(later == earlier + 1 for earlier, later in itertools.pairwise(values))

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        """The columns of input sizes, in words or in numbers."""
        titles = ((n, cell.text) for n, cell in enumerate(self.table.header))
        return tuple(n for n, title in titles if understand(n, title).kind == "input")

    def amounts(self, column: Column) -> list[tuple[Item, Amount]]:
        found = ((item, self.amount(item, column)) for item in self.items)
        return [(item, amount) for item, amount in found if amount is not None]

    def around(self) -> str:
        """What says what the table is about: its caption first, then its headings from the inmost."""
        return "\n".join([self.table.caption[:300], *reversed(self.table.headings)])

    def find(
        self, rule: str, severity: Severity, message: str, item: Item | None = None, column: Column | None = None,
        row: str = "",
    ) -> Finding:  # fmt: skip
        line = item.line if item else self.table.line
        title = column.title if column else ""
        named = row or (self.called(item) if item else "")
        return Finding(rule, severity, self.file, line, self.table.title, named, title, message)

    def called(self, item: Item) -> str:
        """Its name, or all that it says of itself where others have that name."""
        return item.name if self.names[item.name] == 1 else shown(item.label)

    @cached_property
    def names(self) -> Counter[str]:
        return Counter(item.name for item in self.items)


def read_document(document: Document) -> list[Reading]:
    """The tables that have a column of results."""
    readings = (read_table(document.file, table) for table in document.tables)
    return [reading for reading in readings if any(column.result for column in reading.columns)]


def read_table(file: str, table: Table) -> Reading:
    table = laid_out(table)
    numbers = [
        {n: found for n, cell in enumerate(row.cells) if (found := read_number(cell.text))} for row in table.rows
    ]
    named = [understand(n, table.header[n].text if n < len(table.header) else "") for n in range(table.width)]
    filled = Counter(n for row in table.rows for n, cell in enumerate(row.cells) if cell.text)
    counted = Counter(n for row in numbers for n in row)
    text = {n for n in range(table.width) if 2 * counted[n] <= filled[n] and not (named[n].result and counted[n])}
    if named and named[0].kind is None:
        text.add(0)  # the first column names the row, be it by a number
    columns = tuple(replace(column, kind=None) if column.number in text else column for column in named)
    items = tuple(item_of(place, row, numbers[place], text) for place, row in enumerate(table.rows))
    return Reading(file, table, columns, items)


def item_of(place: int, row: Row, numbers: dict[int, Number], text: set[int]) -> Item:
    cells = [cell for n, cell in enumerate(row.cells) if n in text]
    spoken = [row.group] * bool(row.group) + [cell.text for cell in cells if cell.text and not only_link(cell)]
    links = tuple(link for cell in row.cells for link in cell.links)
    named = (cell.text for cell in cells if cell.text and read_number(cell.text) is None)  # no count of the rows
    name = next(named, "") or next((cell.text for cell in row.cells if cell.text), "") or f"row {place + 1}"
    held = {n: number for n, number in numbers.items() if n not in text}
    return Item(place, row.line, shown(name), " ".join(spoken)[:300] or name, links, tuple(spoken), held)


def only_link(cell: Cell) -> bool:
    """A cell that is nothing but a link refers to something; a name that is a link is a name."""
    return bool(cell.links) and any(
        word in cell.text.lower() for word in ("weights", "ckpt", "download", "link", "log")
    )
