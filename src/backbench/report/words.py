"""The answer in sentences: what is most accurate, fastest and smallest, what is worth choosing from, and what can't
be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from backbench.report.doubts import trust
from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.report.table import speed_text
from backbench.report.units import mb, ms, numbered, percent, plural, width

Strong = Callable[[str], str]
MAX_LISTED = 8


@dataclass(frozen=True)
class Sentence:
    """One statement, and the list that it introduces."""

    text: str
    items: tuple[str, ...] = ()


def headline(section: Section, strong: Strong = str) -> list[Sentence]:
    """The answer for one group; `strong` sets a row's name in bold (and escapes it)."""
    if not section.measured:
        return [Sentence("Nothing was measured here.")]
    said = (most_accurate(section, strong), fastest(section, strong), smallest(section, strong))
    return [*(Sentence(text) for text in said if text), *choice(section, strong), *map(Sentence, trust(section))]


def named(section: Section, row: Row, strong: Strong) -> str:
    return f"{strong(section.names.full(row))} (#{row.number})"


def most_accurate(section: Section, strong: Strong) -> str | None:
    row = section.most_accurate
    if row is None or row.accuracy is None:
        untrained = any(not each.trained for each in section.measured)
        why = "the heads were not trained on this dataset" if untrained else "no record holds predictions"
        return f"Most accurate: nothing can be said, {why}."
    share = row.accuracy
    text = f"Most accurate: {named(section, row, strong)}, {percent(share.estimate)} %"
    text += f" [{percent(share.low, 1)}, {percent(share.high, 1)}] of {share.n:,} images"
    return f"{text}{rivals(section.accuracy_marks, 'the same images right')}."


def fastest(section: Section, strong: Strong) -> str | None:
    row = section.fastest
    if row is None or row.latency is None:
        return "Fastest: nothing was timed."
    text = f"Fastest: {named(section, row, strong)}, {ms(row.latency.median)} ms"
    text += f" {width(row.latency.low, row.latency.median, row.latency.high)}"
    found = section.versus.get(row.number)
    if found and found.ratio and found.verdict == "faster":
        text += f", {speed_text(found)} than its baseline"
    return f"{text}{rivals(section.speed_marks, 'the same within 2 %')}."


def smallest(section: Section, strong: Strong) -> str | None:
    row = section.smallest
    if row is None:
        return None
    equal = [each for each in section.measured if each.size == row.size and each is not row]
    also = f"; {numbers(equal)} as small" if equal else ""
    return f"Smallest: {named(section, row, strong)}, {mb(row.size)} MB{also}."


def choice(section: Section, strong: Strong) -> list[Sentence]:
    """The front: what no other row beats in both accuracy and latency."""
    front = section.on_front("front")
    if len(section.points) < 2 or not front:
        return []
    items = [f"{figures(row)}: {named(section, row, strong)}" for row in front[:MAX_LISTED]]
    more = [f"and {len(front) - MAX_LISTED} more, see the table"] if len(front) > MAX_LISTED else []
    near = section.on_front("~")
    also = f"; {numbers(near)} can't be told from these" if near else ""
    text = f"Worth choosing from, the fastest first (no other cell is both more accurate and faster{also}):"
    return [Sentence(text, tuple(items + more))]


def figures(row: Row) -> str:
    assert row.accuracy is not None
    assert row.latency is not None
    return f"{ms(row.latency.median)} ms, {percent(row.accuracy.estimate)} %"


def rivals(marks: Mapping[int, str], equal_words: str) -> str:
    """Which others equal the best, and which can't be told from it."""
    equal = [number for number, mark in marks.items() if mark == "="]
    near = [number for number, mark in marks.items() if mark == "~"]
    text = f"; {numbered(equal)} {equal_words}" if equal else ""
    return text + (f"; {numbered(near)} can't be told from it" if near else "")


def numbers(rows: Iterable[Row]) -> str:
    return numbered([row.number for row in rows])


def counts(found: Sequence[Section]) -> str:
    """How many cells there are, and how many of them were not measured."""
    rows = [row for section in found for row in section.rows]
    text = f"{plural(len(rows), 'cell')}: {sum(row.status == 'ok' for row in rows)} measured"
    for status in ("skipped", "failed"):
        count = sum(row.status == status for row in rows)
        text += f", {count} {status}" if count else ""
    return text + "."
