"""Names of rows: one name for two results, and a name that the row's own links contradict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backbench.linting.document import Document
from backbench.linting.finding import Finding
from backbench.linting.reading import Item, Reading
from backbench.linting.rows import settings
from backbench.linting.words import families_in

Key = tuple[object, ...]


def twice(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Rows that say the same about themselves and have different results, or stand there twice."""
    for reading in readings:
        first: dict[Key, Item] = {}
        for item in reading.items:
            earlier = first.setdefault(key(reading, item), item)
            if earlier is not item and item.numbers:
                yield reading.find("label", "warning", message(reading, earlier, item), item)


def key(reading: Reading, item: Item) -> Key:
    """All of the row's text and what was set; results only tell rows apart where they are a design's (its parameters)."""
    return (" ".join(item.texts).lower() or item.number, settings(reading, item))


def message(reading: Reading, earlier: Item, item: Item) -> str:
    for column in reading.columns:
        one, other = earlier.numbers.get(column.number), item.numbers.get(column.number)
        if column.result and one and other and one.value != other.value:
            return (
                f"line {earlier.line} has this name too, with {column.title} {one.text} where this has {other.text}:"
                " what tells the two apart?"
            )
    return f"the row of line {earlier.line} stands here again"


def wrong_name(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """A row whose links are all about another family of networks than its name."""
    for reading in readings:
        for item in reading.items:
            named, linked = families_in(item.label), families_in(" ".join(item.links))
            if named and linked and not named & linked:
                message = f"the row is called {item.name}, and its link leads to {' and '.join(sorted(linked))}"
                yield reading.find("wrong-name", "error", message, item)
