"""What a number was measured under, as far as a reader needs it and the table leaves it open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backbench.linting.columns import Column
from backbench.linting.document import Document
from backbench.linting.finding import Finding, listed
from backbench.linting.intervals import number
from backbench.linting.reading import Item, Reading

HOSTS = r"\bcpus?\b|\bxeon\b|\bryzen\b|\bepyc\b"
ACCELERATORS = r"\bgpus?\b|\bcuda\b|\brtx\b|\bgtx\b|\bv100\b|\ba100\b|\bt4\b"
APART = 5.0  # rows of one device are rarely further apart by their runtime alone
THREADS = r"\bthreads?\b|\bcores?\b|omp_num|\bsockets?\b|instances?\b"


def devices(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Some rows name a CPU, some a GPU, and the others neither: which of them may be compared?"""
    for reading in readings:
        for column in reading.of("latency", "throughput"):
            rows = {item.number: device(item) for item, _ in reading.amounts(column)}
            silent = [item for item in reading.items if rows.get(item.number) == ""]
            if {"cpu", "gpu"} <= set(rows.values()) and silent and not column.device:
                message = f"rows of this table ran on CPU and on GPU, and {listed([item.name for item in silent])} don't say on which"
                yield reading.find("device", "warning", message + apart(reading, column, silent), None, column)


def device(item: Item) -> str:
    text = item.label.lower()
    return "gpu" if re.search(ACCELERATORS, text) else "cpu" if re.search(HOSTS, text) else ""


def apart(reading: Reading, column: Column, silent: list[Item]) -> str:
    """How far the silent rows are from each other."""
    times = [(amount, item) for item in silent if (amount := reading.amount(item, column)) and amount.value > 0]
    if len(times) < 2:
        return ""
    least, most = (pick(times, key=lambda row: row[0].value) for pick in (min, max))
    share = most[0].value / least[0].value
    if share < APART:
        return ""
    return f": {most[0].text} ({most[1].name}) is {number(share)} times {least[0].text} ({least[1].name})"


def batches(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Images a second at several batch sizes in one table: two rows differ by it as well."""
    for reading in readings:
        for column in reading.of("batch") if reading.of("throughput") else ():
            found: dict[float, list[str]] = {}
            for item in reading.items:
                if column.number in item.numbers:
                    found.setdefault(item.numbers[column.number].value, []).append(item.name)
            if len(found) > 1 and any(len(rows) > 2 for rows in found.values()) and not swept(found):
                rare = min(found, key=lambda batch: len(found[batch]))
                message = (
                    f"batch {number(rare)} ({listed(found[rare], 3)}) beside other batches: throughput depends on it"
                )
                yield reading.find("batch", "note", message, None, column)


def swept(found: dict[float, list[str]]) -> bool:
    """Whether the batch is an axis: the same rows at every batch."""
    rows = [set(names) for names in found.values()]
    return all(names == rows[0] for names in rows)


def threads(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Times on a CPU in a document that never says how many threads. One note a document."""
    if re.search(THREADS, document.prose.lower()):
        return
    for reading in readings:
        columns = reading.of("latency", "throughput")
        words = " ".join([reading.around(), *(column.title for column in reading.columns)]).lower()
        titled = any(re.search(THREADS, column.title.lower()) for column in reading.columns)
        if columns and re.search(HOSTS, words) and not titled:
            message = "times on a CPU, and nowhere on how many threads: that alone moves them several times"
            yield reading.find("threads", "note", message, None, columns[0])
            return
