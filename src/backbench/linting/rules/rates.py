"""Images a second × seconds = images in flight, the batch: two columns that can't both be right where it is another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from statistics import median

from backbench.linting.columns import Column
from backbench.linting.document import Document
from backbench.linting.finding import Finding
from backbench.linting.intervals import number
from backbench.linting.reading import Amount, Item, Reading

AGREE = 0.02  # a mean of rates is no rate of means: they differ by the square of the spread
SHARE = 0.6
SURE = 0.8
BATCH = r"\b(?:batch[ -]?(?:size)?|bs)\s*(?:of|=|:|is)?\s*(\d{1,5})\b"
THOUSAND = {1000.0: "the time is in ms, or the rate is per ms", 0.001: "the time is in s, or the rate per 1,000 s"}


def rule(document: Document, readings: Sequence[Reading]) -> Iterator[Finding]:
    for reading in readings:
        for time in reading.of("latency"):
            for rate in reading.of("throughput"):
                if time.device == rate.device:
                    yield from pair(document, reading, time, rate)


def pair(document: Document, reading: Reading, time: Column, rate: Column) -> Iterator[Finding]:
    """Rows against the batch that the table states, else against the one that most rows have."""
    rows = [(item, *found) for item in reading.items if (found := products(reading, item, time, rate))]
    batches = [stated(reading, item) or stated_around(document, reading) for item, _, _ in rows]
    scale = scale_of(reading, time)
    if rows and scale == 1 and all(batches):
        off = shared_factor(
            [(low + high) / 2 / batch for (_, low, high), batch in zip(rows, batches, strict=True) if batch]
        )
        if off in THOUSAND:
            yield reading.find("time-unit", "error", off_by(rows[0], off, time, rate), None, time, row="all rows")
            return
    images = [(low * scale, high * scale) for _, low, high in rows]
    usual = consensus(images)
    stated_ones = [close(low, high, batch) for (low, high), batch in zip(images, batches, strict=True) if batch]
    trusted = len(stated_ones) >= 2 and sum(stated_ones) >= SHARE * len(stated_ones)
    for (item, low, high), batch in zip(rows, batches, strict=True):
        expected = batch if batch and (trusted or usual) else usual
        if expected and not close(low * scale, high * scale, expected):
            yield reading.find("rate", "warning", contradiction(reading, item, time, rate, expected, scale), item, rate)


def scale_of(reading: Reading, time: Column) -> float:
    """0.001 where a time has no unit: then only its proportion to the rate is known, and ms is the usual one."""
    return 1.0 if any(reading.amount(item, time) for item in reading.items) else 0.001


def products(reading: Reading, item: Item, time: Column, rate: Column) -> tuple[float, float] | None:
    seconds, rates = reading.amount(item, time) or unscaled(item, time), reading.amount(item, rate)
    if seconds is None or rates is None or seconds.value <= 0 or rates.value <= 0:
        return None
    return max(0.0, seconds.low) * max(0.0, rates.low), seconds.high * rates.high


def unscaled(item: Item, column: Column) -> Amount | None:
    found = item.numbers.get(column.number)
    return Amount(found.value, found.step, found.text) if found else None


def stated(reading: Reading, item: Item) -> float | None:
    for column in reading.of("batch"):
        if column.number in item.numbers:
            return item.numbers[column.number].value
    found = re.findall(BATCH, item.label, re.IGNORECASE)
    return float(found[0]) if len(found) == 1 else None


def stated_around(document: Document, reading: Reading) -> float | None:
    """`batch size 8` near the table, else the only batch that the document names."""
    near = re.findall(BATCH, reading.around() + " ".join(column.title for column in reading.columns), re.IGNORECASE)
    anywhere = set(near or re.findall(BATCH, document.prose, re.IGNORECASE))
    return float(anywhere.pop()) if len(anywhere) == 1 else None


def consensus(found: list[tuple[float, float]]) -> float | None:
    """The whole number that most products are; None where they are at different batches.

    A batch of one is the usual one; another that nobody states must come out of nearly every row, and sharply.
    """
    if not found:
        return None
    whole = float(max(1, round(median((low + high) / 2 for low, high in found))))
    sharp = [(low, high) for low, high in found if whole == 1 or high - low <= 2 * AGREE * high]
    agree = sum(close(low, high, whole) for low, high in sharp)
    return whole if agree >= max(2, (SHARE if whole == 1 else SURE) * len(found)) else None


def shared_factor(shares: list[float]) -> float | None:
    """1,000 or 1/1,000 where every row is off by it."""
    return next((off for off in THOUSAND if all(abs(share / off - 1) <= AGREE for share in shares)), None)


def close(low: float, high: float, batch: float) -> bool:
    return low <= batch * (1 + AGREE) and batch * (1 - AGREE) <= high


def off_by(row: tuple[Item, float, float], off: float, time: Column, rate: Column) -> str:
    item, low, high = row
    return f"{rate.title} × {time.title} is {number((low + high) / 2)} in {item.name}, and so in every row: {THOUSAND[off]}"


def contradiction(reading: Reading, item: Item, time: Column, rate: Column, batch: float, scale: float) -> str:
    seconds, rates = reading.amount(item, time) or unscaled(item, time), reading.amount(item, rate)
    assert seconds is not None
    assert rates is not None
    images = seconds.value * scale * rates.value
    return (
        f"{rates.text} × {seconds.text} is {number(images)} images in flight, and the batch is {number(batch)}:"
        f" {seconds.text} means {number(batch / (seconds.value * scale))} images a second"
    )
