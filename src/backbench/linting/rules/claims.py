"""What the text says about a table and the table does not: "quantized is faster", "with a slightly lower accuracy"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backbench.linting.document import Document, Paragraph
from backbench.linting.finding import Finding, shown
from backbench.linting.intervals import number
from backbench.linting.reading import Reading
from backbench.linting.rows import made
from backbench.linting.rules.compression import values
from backbench.linting.words import PRUNED, QUANTIZED

FASTER = r"\bfaster\b|\b(increas|improv|higher|boost|speed)\w*[^.]{0,30}\b(speed|throughput|inference)\b|\bspeed(s|ed)?[ -]?up\b"
ACCURACY = r"\b(lower|los[es]\w*|drop\w*|degrad\w*|decreas\w*|reduc\w*|higher|better|preserv\w*|maintain\w*|keep\w*|same|negligible)\b"
HEDGED = r"\bnot\b|\bn't\b|\bmay\b|\bcan\b|\bcould\b|\bshould\b|\bslower\b"


def faster(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """The text behind a table says that quantized is faster; the table says slower."""
    pairs = [pair for pair in made(readings) if pair.technique == "quantized"]
    for reading, sentence, line in claimed(document, readings, rf"({QUANTIZED})", FASTER):
        for pair in pairs:
            for column in reading.of("latency") if pair.reading is reading else ():
                new, old = values(pair, column.number)
                if new and old and new.low > old.high:
                    message = (
                        f"{new.text} quantized against {old.text} ({pair.base.name}) is {number(new.value / old.value)} times"
                        f' slower; line {line} says "{shown(sentence, 90)}"'
                    )
                    yield reading.find("claim", "error", message, pair.item, column)


def claimed(
    document: Document, readings: Sequence[Reading], about: str, says: str
) -> Iterator[tuple[Reading, str, int]]:  # fmt: skip
    """The first sentence behind each table, before the next one, that says so."""
    for place, reading in enumerate(readings):
        end = readings[place + 1].table.line if place + 1 < len(readings) else float("inf")
        behind = [one for one in document.paragraphs if reading.table.line < one.line < end]
        for paragraph, sentence in sentences(behind):
            if says_it(sentence, about, says):
                yield reading, sentence, paragraph.line
                break


def sentences(paragraphs: Sequence[Paragraph]) -> Iterator[tuple[Paragraph, str]]:
    for paragraph in paragraphs:
        for sentence in re.split(r"(?<=[.!?])\s+", paragraph.text[:5000]):
            yield paragraph, sentence


def says_it(sentence: str, about: str, says: str) -> bool:
    low = sentence.lower()
    return bool(re.search(about, low) and re.search(says, low) and not re.search(HEDGED, low))


def unmeasured(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """The text says what compression does to accuracy, and no table has an accuracy. One finding a document."""
    if not readings or any(reading.of("accuracy", "top5", "error", "error5") for reading in readings):
        return
    for paragraph, sentence in sentences(document.paragraphs):
        low = sentence.lower()
        if "accura" in low and re.search(rf"{QUANTIZED}|{PRUNED}|compress|distill", low) and re.search(ACCURACY, low):
            message = f'line {paragraph.line} says "{shown(sentence, 110)}", and no table has an accuracy'
            yield readings[0].find("unmeasured-claim", "warning", message)
            return
