"""File sizes against parameters × bytes: by the row's own parameters, or by those of the network that it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backbench.linting.architectures import Architecture, known, nearest
from backbench.linting.columns import Column
from backbench.linting.document import Document
from backbench.linting.finding import Finding, listed
from backbench.linting.intervals import number
from backbench.linting.reading import Amount, Item, Reading
from backbench.linting.rows import networks, technique
from backbench.linting.rules.parameters import small_images
from backbench.linting.words import families_in

MIB = 2**20 / 1e6
WIDTHS = (8, 4, 2)  # bytes of a number in a file that is not quantized: float64, float32, float16
BELOW, ABOVE = 0.98, 1.04  # a file holds no fewer than its weights, and names and buffers beside them
HEADER = 5e5  # bytes of graph and names


def rule(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Against the network that the row names. Rows of one network with one fault are one finding."""
    for reading in readings:
        for column in (one for one in weight_columns(reading) if one.side != "new"):
            rows = [
                (item, amount, named) for item, amount in reading.amounts(column) if (named := whole(reading, item))
            ]
            yield from misnamed(reading, column, rows)
            yield from mebibytes(reading, column)


Rows = list[tuple[Item, Amount, tuple[Architecture, ...]]]


def whole(reading: Reading, item: Item) -> tuple[Architecture, ...]:
    """The networks of a row that was neither pruned nor quantized."""
    return () if technique(reading, item) in ("pruned", "quantized") else networks(reading, item)


def weight_columns(reading: Reading) -> list[Column]:
    """Sizes of files; and "memory" where most known rows have as much as their float32 weights.

    Beside a column of parameters a memory is held against those, by a rule of its own.
    """
    found = reading.of("size")
    for column in reading.whole("memory") if not reading.of("parameters") else ():
        rows = [(amount, named) for item, amount in reading.amounts(column) if (named := whole(reading, item))]
        fitting = sum(any(as_bytes(one, amount.value, 4) for one in named) for amount, named in rows)
        found += [column] if fitting >= 3 and 2 * fitting >= len(rows) else []
    return found


def as_bytes(one: Architecture, size: float, width: int) -> bool:
    return one.headless * width * BELOW <= size <= one.parameters * width * ABOVE + HEADER


def in_megabytes(one: Architecture, size: float) -> bool:
    return any(as_bytes(one, size, width) for width in WIDTHS)


def mib_of(column: Column, size: float) -> float:
    """The size, had the printed MB been MiB."""
    return size * MIB if column.unit and column.unit.factor == 1e6 else size


def misnamed(reading: Reading, column: Column, rows: Rows) -> Iterator[Finding]:
    """A size that is the named network's in no unit and no usual precision."""
    wrong = [
        (item, amount, named)
        for item, amount, named in rows
        if not any(in_megabytes(one, amount.value) or as_bytes(one, mib_of(column, amount.value), 4) for one in named)
    ]
    groups: dict[str, Rows] = {}
    for row in wrong:
        groups.setdefault(row[2][0].name + str(round(row[1].value / row[2][0].parameters, 1)), []).append(row)
    for group in groups.values():
        item, amount, named = group[0]
        owner = whose(item, amount.value, mib_of(column, amount.value), named)
        hinted = owner is not None and any(family in owner.name for family in families_in(" ".join(item.links)))
        if small_images(reading) and amount.value < 4 * min(one.headless for one in named) and not hinted:
            continue
        rows_named = listed([one.name for one, _, _ in group])
        yield reading.find("size", "error", size_message(amount, named[0], owner), item, column, row=rows_named)


def whose(item: Item, size: float, other: float, named: tuple[Architecture, ...]) -> Architecture | None:
    """The network that has this size in float32: one that the row's links name, else one of the same family."""
    hinted = families_in(" ".join(item.links))
    for one in known().values():
        if any(family in one.name for family in hinted) and (as_bytes(one, size, 4) or as_bytes(one, other, 4)):
            return one
    return nearest(size / 4, named) or nearest(other / 4, named)


def size_message(amount: Amount, named: Architecture, owner: Architecture | None) -> str:
    said = f"{megabytes(amount)} can't be {named.name}: {weights(named)}"
    return f"{said}; it is what {owner.name} has: {weights(owner)}" if owner else said


def megabytes(amount: Amount) -> str:
    return amount.text if amount.text[-1:].isalpha() else f"{amount.text} MB"


def weights(one: Architecture) -> str:
    size = 4 * one.parameters
    return f"{number(one.parameters / 1e6)} M × 4 B = {number(size / 1e6)} MB = {number(size / 2**20)} MiB"


def mebibytes(reading: Reading, column: Column) -> Iterator[Finding]:
    """Printed as MB, right as MiB only: by the row's own parameters, else by those of the network that it names."""
    found = []
    for item, amount in reading.amounts(column):
        held = parameters(reading, item)
        if held and reading.factor(column, item.numbers[column.number]) == 1e6:
            as_mib = Amount(amount.value * MIB, amount.step * MIB, amount.text)
            found += [(item, amount, held)] if holds(held, as_mib) and not holds(held, amount) else []
    if found:
        item, amount, (least, most) = found[0]
        weights_mb = " to ".join(dict.fromkeys((number(least * 4 / 1e6), number(most * 4 / 1e6))))
        message = (
            f"{megabytes(amount)} is fewer bytes than the row's float32 weights, {weights_mb} MB; as MiB it fits:"
            " MB is 10⁶ bytes, MiB 2²⁰"
        )
        yield reading.find("mebibytes", "warning", message, item, column, row=listed([one.name for one, _, _ in found]))


def parameters(reading: Reading, item: Item) -> tuple[float, float] | None:
    """Fewest and most that the row can hold, where it was not made smaller."""
    if technique(reading, item) in ("pruned", "quantized"):
        return None
    own = [amount for column in reading.of("parameters") if (amount := reading.amount(item, column))]
    if len(own) == 1:
        return own[0].low, own[0].high
    named = networks(reading, item)
    return (min(one.headless for one in named), max(one.parameters for one in named)) if named and not own else None


def holds(held: tuple[float, float], size: Amount) -> bool:
    """Whether a file of this size is one of so many float32 numbers."""
    return held[0] * 4 * BELOW <= size.high and size.low <= held[1] * 4 * ABOVE + HEADER


def bytes_per_parameter(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """The row's own size ÷ its own parameters: over 8 bytes, or under half a byte, is no file of weights."""
    for reading in readings:
        counts = reading.of("parameters")
        for column in reading.whole("size") if len(counts) == 1 else ():
            for item, amount in reading.amounts(column):
                count = reading.amount(item, counts[0])
                if count is None or count.value <= 0 or amount.value <= 0 or amount.value < HEADER:
                    continue
                each = amount.value / count.value
                if not 0.45 <= each <= 8.8:
                    message = (
                        f"{amount.text} ÷ {count.text} = {number(each)} bytes a parameter: float32 has 4, int8 1; a larger"
                        " file holds more than weights (an optimizer's state?), a smaller one fewer parameters"
                    )
                    yield reading.find("bytes-per-parameter", "warning", message, item, column)
