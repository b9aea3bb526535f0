"""A compressed row against the one that it was made from: what got larger, what did not change, what can't be due to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backbench.linting.document import Document
from backbench.linting.finding import Finding, listed
from backbench.linting.intervals import number
from backbench.linting.reading import Amount, Reading
from backbench.linting.rows import Made, made
from backbench.linting.rules.sizes import weight_columns

FASTER = 1.3  # without one parameter fewer, more than this is another protocol
SLOWER = 10.0  # int8 without integer kernels was seen 8 times slower; more is another device


def quantized_larger(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Quantized weights are smaller: a file that is not was never converted."""
    for pair in made(readings):
        for column in weight_columns(pair.reading) if pair.technique == "quantized" else ():
            new, old = values(pair, column.number)
            if new and old and new.value >= old.value * 0.97:
                message = (
                    f"{new.text} quantized, {old.text} before ({pair.base.name}), {number(new.value / old.value)} times:"
                    f" int8 weights take a quarter, about {number(old.value / 4 / 1e6)} MB; was it ever converted?"
                )
                yield pair.reading.find("quantized-larger", "error", message, pair.item, column)


def values(pair: Made, column: int) -> tuple[Amount | None, Amount | None]:
    """The compressed row's amount and its base's, in the same column."""
    if column >= len(pair.of.columns):
        return None, None
    new = pair.reading.amount(pair.item, pair.reading.columns[column])
    return new, pair.of.amount(pair.base, pair.of.columns[column])


def unchanged(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Not one parameter fewer after pruning: masks hide weights and remove none. One finding a table."""
    for reading, pairs in pruned(readings).items():
        same = [pair for pair in pairs if same_parameters(pair)]
        for column in reading.of("parameters") if same else ():
            count = reading.amount(same[0].item, column)
            message = (
                f"{count.text if count else ''} before ({origin(same[0])}) and after pruning: nothing was removed,"
                " so nothing can be smaller or faster by it; zeros in place are non-zero parameters, a column of their own"
            )
            rows = f"all {len(same)} rows" if 1 < len(same) == len(pairs) else listed([pair.item.name for pair in same])
            yield reading.find("unchanged", "error", message, same[0].item, column, row=rows)


def origin(pair: Made) -> str:
    return pair.base.name if pair.of is pair.reading else pair.of.table.title


def pruned(readings: Sequence[Reading]) -> dict[Reading, list[Made]]:
    found: dict[int, tuple[Reading, list[Made]]] = {}
    for pair in made(readings):
        if pair.technique == "pruned":
            found.setdefault(id(pair.reading), (pair.reading, []))[1].append(pair)
    return dict(found.values())


def same_parameters(pair: Made) -> bool:
    """The very same count, in a table that does not say that it counts what is zero apart."""
    columns = pair.reading.of("parameters")
    if not columns or pair.reading.of("nonzero"):
        return False
    new, old = values(pair, columns[0].number)
    return new is not None and old is not None and new.value == old.value


def protocol(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Times that the technique can't explain: the two were not measured alike."""
    for reading, pairs in pruned(readings).items():
        for column in reading.of("latency"):
            jumps = [
                (pair, jump)
                for pair in pairs
                if same_parameters(pair) and (jump := ratio(pair, column.number)) > FASTER
            ]
            if jumps:
                pair, jump = max(jumps, key=lambda found: found[1])
                new, old = values(pair, column.number)
                message = (
                    f"{old.text if old else ''} ÷ {new.text if new else ''} = {number(jump)} times faster with the same"
                    f" parameters ({listed([one.item.name for one, _ in jumps], 8)}): measured in another way than"
                    f" {pair.of.table.title}"
                )
                yield reading.find("protocol", "error", message, pair.item, column)
    yield from other_device(readings)


def other_device(readings: Sequence[Reading]) -> Iterator[Finding]:
    for pair in made(readings):
        for column in pair.reading.of("latency") if pair.technique == "quantized" else ():
            slower = 1 / ratio(pair, column.number) if ratio(pair, column.number) else 0.0
            if slower > SLOWER:
                new, old = values(pair, column.number)
                message = (
                    f"{new.text if new else ''} ÷ {old.text if old else ''} = {number(slower)} times slower than"
                    f" {pair.base.name}: more than missing kernels cost; was it timed on another device?"
                )
                yield pair.reading.find("protocol", "warning", message, pair.item, column)


def ratio(pair: Made, column: int) -> float:
    """base ÷ new; 0 where one is not there."""
    new, old = values(pair, column)
    return old.value / new.value if new and old and new.value > 0 else 0.0
