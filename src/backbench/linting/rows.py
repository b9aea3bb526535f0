"""Which rows belong together: a compressed network and the one that it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backbench.linting.architectures import Architecture, identify
from backbench.linting.reading import Item, Reading
from backbench.linting.words import Technique, stem, technique_of


@dataclass(frozen=True)
class Made:
    """`item` of `reading` was made from `base` of `of` by `technique`."""

    reading: Reading
    item: Item
    of: Reading
    base: Item
    technique: Technique


def technique(reading: Reading, item: Item) -> Technique | None:
    """What the row says, else what the caption, else what the inmost heading says."""
    inmost = reading.table.headings[-1] if reading.table.headings else ""
    texts = (item.label, reading.table.caption[:200], inmost)
    return next((found for text in texts if (found := technique_of(text))), None)


def made(readings: Sequence[Reading]) -> Iterator[Made]:
    """Every compressed row with its uncompressed one: of the same table, else of the last table before it."""
    for place, reading in enumerate(readings):
        for item in reading.items:
            how = technique(reading, item)
            if how in ("quantized", "pruned"):
                yield from made_from(readings[: place + 1], reading, item, how)


def made_from(readings: Sequence[Reading], reading: Reading, item: Item, how: Technique) -> Iterator[Made]:
    if technique_of(item.label) == how:
        base = base_within(reading, item)
        if base is not None:
            yield Made(reading, item, reading, base, how)
        return
    for other in reversed(readings[:-1]):
        for base in other.items:
            if stem(base.label) == stem(item.label) and technique(other, base) == "none":
                yield Made(reading, item, other, base, how)
                return


def base_within(reading: Reading, item: Item) -> Item | None:
    """The row of the same name without the technique, set up alike."""
    for other in reading.items:
        untouched = technique_of(other.label) in (None, "none")
        if other is not item and untouched and stem(other.label) == stem(item.label) and alike(reading, item, other):
            return other
    return None


def alike(reading: Reading, one: Item, other: Item) -> bool:
    """Whether what was set (input, batch, …) is equal."""
    return settings(reading, one) == settings(reading, other)


def settings(reading: Reading, item: Item) -> tuple[tuple[int, float], ...]:
    """What the row was set to, by column."""
    return tuple((number, item.numbers[number].value) for number in reading.settings if number in item.numbers)


def networks(reading: Reading, item: Item) -> tuple[Architecture, ...]:
    """The networks that the row may be about: by its name, else by the caption or the inmost heading alone."""
    own = identify(item.name) or next((found for text in item.texts if (found := identify(text))), ())
    if own:
        return own
    about = (reading.table.caption[:100], *reversed(reading.table.headings))
    return next((found for text in about if (found := identify(text))), ())


def subject(reading: Reading, item: Item) -> str:
    """Which network, as one word: its known name, else what stands there."""
    found = networks(reading, item)
    return found[0].name if found else stem(item.label)
