"""MACs and FLOPs against the networks that the rows name, at the scale (input size, FLOPs or MACs) that most rows share.

A table may be at any input size, and may call MACs FLOPs: what is known is each row's share of its network's MACs at
224 × 224. Rows that stand away from the share of most are the findings; where no share is common, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from backbench.linting.architectures import Architecture, Cost
from backbench.linting.columns import Column
from backbench.linting.document import Document
from backbench.linting.finding import Finding, listed
from backbench.linting.intervals import number
from backbench.linting.reading import Amount, Item, Reading
from backbench.linting.rows import networks, technique
from backbench.linting.rules.parameters import fits, small_images
from backbench.linting.words import stem

AGREE = 0.12  # counters differ by what they count beside matrix products: batch norm, activations, biases
FIT = 0.03  # a count that leaves something out is recognised at this distance
SAME_FILE = 0.02
APART = 1.5


@dataclass(frozen=True)
class Known:
    """A row whose network is known, and its share of that network's MACs."""

    item: Item
    amount: Amount
    networks: tuple[Architecture, ...]

    def share(self, scale: float) -> float:
        """The share that is nearest to `scale`, of the networks and input sizes that the name allows."""
        shares = [self.amount.value / cost.macs for one in self.networks for cost in one.at.values()]
        return min(shares, key=lambda share: abs(share / scale - 1))

    def agrees(self, scale: float) -> bool:
        rounding = self.amount.step / max(self.amount.value, 1e-12)
        return abs(self.share(scale) / scale - 1) <= AGREE + rounding


def rule(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    for reading in readings:
        for column in reading.whole("macs", "flops"):
            rows = known_rows(reading, column)
            scale = common_scale(rows)
            if small_images(reading) and scale not in (1.0, 2.0):
                continue  # networks for tiny images, under the names of those for large ones
            for row in rows if scale else ():
                if not row.agrees(scale):
                    yield reading.find("macs", "error", message(row, scale, column), row.item, column)


def naming(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """What is called MACs and is FLOPs, or the other way round."""
    for reading in readings:
        for column in reading.whole("macs", "flops"):
            rows = known_rows(reading, column)
            scale = common_scale(rows)
            if not scale:
                continue
            example = next(row for row in rows if row.agrees(scale))
            said = (
                f"{example.amount.text} for {example.item.name}, whose MACs are {giga(example.networks[0].usual.macs)}"
            )
            if column.kind == "flops" and abs(scale - 1) <= AGREE:
                text = f"these are MACs ({said}); as FLOPs they are half of what is usual: name the unit MACs"
                yield reading.find("macs-or-flops", "note", text, None, column)
            if column.kind == "macs" and abs(scale - 2) <= 2 * AGREE:
                text = f"these are FLOPs, two for each MAC ({said})"
                yield reading.find("macs-or-flops", "warning", text, None, column)


def known_rows(reading: Reading, column: Column) -> list[Known]:
    """Rows that name a network from which nothing was taken out, at 224 where the table says the input size."""
    rows = []
    for item, amount in reading.amounts(column):
        if technique(reading, item) != "pruned" and amount.value > 0 and at_usual_size(reading, item):
            named = of_that_size(reading, item, networks(reading, item))
            rows += [Known(item, amount, named)] if named else []
    return rows


def at_usual_size(reading: Reading, item: Item) -> bool:
    cells = reading.table.rows[item.number].cells
    return all("224" in cells[n].text or not cells[n].text for n in reading.inputs if n < len(cells))


def of_that_size(reading: Reading, item: Item, named: tuple[Architecture, ...]) -> tuple[Architecture, ...]:
    """Those of a family that the row's parameters, or its megabytes of float32, allow; all where none is."""
    counts = [amount for column in reading.of("parameters") if (amount := reading.amount(item, column))]
    for column in reading.of("size", "memory"):
        amount = reading.amount(item, column)
        counts += [Amount(amount.value / 4, amount.step / 4, amount.text)] if amount else []
    fitting = tuple(one for one in named if any(fits(one, amount) for amount in counts))
    return fitting or named


def common_scale(rows: list[Known]) -> float:
    """The share that at least two rows and half of them have; 0 where there is none.

    All MACs at 224, and two FLOPs for each, come before any other: what a counter left out must not move the scale.
    """
    tries = [1.0, 2.0, median(row.share(1.0) for row in rows)] if rows else []
    agreeing = ((scale, sum(row.agrees(scale) for row in rows)) for scale in tries if scale > 0)
    return next((scale for scale, count in agreeing if count >= 2 and 2 * count >= len(rows)), 0.0)


def message(row: Known, scale: float, column: Column) -> str:
    one = min(row.networks, key=lambda network: abs(row.amount.value / network.usual.macs - scale))
    cost = min(one.at.values(), key=lambda at: abs(row.amount.value / at.macs - scale))
    expected = f"{one.name} makes {giga(scale * cost.macs)}" + (f" ({giga(cost.macs)} MACs)" if scale != 1 else "")
    return f"{row.amount.text} {column.unit_text} is printed, {expected}{left_out(row, cost, scale)}".replace("  ", " ")


def left_out(row: Known, cost: Cost, scale: float) -> str:
    """What the counter did not see, where that explains the number."""
    if row.amount.value < 0.1 * scale * cost.macs:
        layers = "quantized layers are no layers that the counter knows" if "quanti" in row.item.label.lower() else ""
        return f": {number(100 * row.amount.value / (scale * cost.macs))} % of it" + (f"; {layers}" if layers else "")
    for missing, what in ((cost.attention, "attention modules"), (cost.products, "products of attention")):
        rest = scale * (cost.macs - missing)
        if missing and abs(row.amount.value / rest - 1) <= FIT + row.amount.step / row.amount.value:
            return f"; {giga(scale * cost.macs)} − {giga(scale * missing)} = {giga(rest)}: the {what} were not counted"
    return f": {number(row.amount.value / (scale * cost.macs))} times as much"


def giga(count: float) -> str:
    return f"{number(count / 1e9)} G" if count >= 1e8 else f"{number(count / 1e6)} M"


def across_tables(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """One network with one file size but other MACs in another table: it ran at another input size there."""
    seen: dict[str, list[tuple[Reading, Item, Column, Amount, Amount]]] = {}
    for reading in readings:
        for column in reading.of("macs", "flops"):
            for item, macs in reading.amounts(column):
                size = next(
                    (a for c in reading.of("size", "memory", "parameters") if (a := reading.amount(item, c))), None
                )
                if size is not None and macs.value > 0:
                    seen.setdefault(stem(item.label) + str(technique(reading, item)), []).append(
                        (reading, item, column, macs, size)
                    )
    for rows in seen.values():
        yield from unequal(rows)


def unequal(rows: list[tuple[Reading, Item, Column, Amount, Amount]]) -> Iterator[Finding]:
    largest = max(rows, key=lambda row: row[3].value)
    small = [
        row
        for row in rows
        if row[3].value * APART < largest[3].value
        and row[0] is not largest[0]
        and abs(row[4].value / largest[4].value - 1) <= SAME_FILE
        and not re.search(r"\d{3}", row[0].table.title)
    ]
    for reading, item, column, macs, size in small:
        others = listed([row[0].table.title for row in rows if row[3].value * APART >= largest[3].value])
        message = (
            f"{macs.text} here and {largest[3].text} under {others}, {number(largest[3].value / macs.value)} times as much, with"
            f" the same size ({size.text} and {largest[4].text}): another input size, so its time compares with no other row's"
        )
        yield reading.find("macs-across-tables", "warning", message, item, column)
