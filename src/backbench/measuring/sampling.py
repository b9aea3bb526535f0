"""What is called and how often: distinct inputs in a seeded order, cut at the cell's boundary, timed one by one.

    model        a tensor where the runtime computes → logits there
    host         a NumPy batch → NumPy logits (both copies inside)
    end-to-end   stored bytes → decode, resize, normalise, copy, model, copy, arg-max

The loop adds an empty call's time to every value; that is measured and written down, not subtracted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench.data.dataset import Split
from backbench.data.images import decode
from backbench.data.preprocessing import Preprocessing
from backbench.measuring.clock import Clock, seconds_between
from backbench.runtimes.runtime import Session
from backbench.spec.cell import Boundary

MAX_CALLS = 100_000  # in one loop: a network of under 0.1 ms needs no more, and a record stays readable
EMPTY_CALLS = 1_000
Stored = bytes | NDArray[np.uint8]


@dataclass(frozen=True)
class Feed:
    """What is timed: `call` with one of the prepared `arguments` after the other, over and over."""

    call: Callable[[Any], Any]
    arguments: Sequence[Any]


@dataclass(frozen=True)
class Source:
    """The distinct inputs: preprocessed N × C × H × W, and as stored where the boundary starts there."""

    inputs: NDArray[np.float32]
    stored: tuple[Stored, ...] = ()
    preprocessing: Preprocessing | None = None

    def feed(self, session: Session, batch: int, boundary: Boundary, seed: int) -> Feed:
        """All inputs in seeded order, in whole batches; a batch over their number takes them again."""
        return FEEDS[boundary](self, session, shuffled(self.count(boundary), batch, seed))

    def alone(self, batch: int, boundary: Boundary, seed: int) -> Source:
        """The inputs of the first batch alone, for calls before the others may take up memory."""
        places = shuffled(self.count(boundary), batch, seed)[0]
        stored = tuple(self.stored[place] for place in places) if boundary == "end-to-end" else ()
        return Source(self.inputs[places] if boundary != "end-to-end" else self.inputs, stored, self.preprocessing)

    def count(self, boundary: Boundary) -> int:
        return len(self.stored) if boundary == "end-to-end" else len(self.inputs)


def shuffled(count: int, batch: int, seed: int) -> list[NDArray[np.int64]]:
    """Places of each batch: at least one batch, as many as the inputs fill."""
    order = np.random.RandomState(seed).permutation(count).astype(np.int64)
    whole = max(1, count // batch)
    return np.split(np.resize(order, whole * batch), whole)


def model_feed(source: Source, session: Session, places: list[NDArray[np.int64]]) -> Feed:
    return Feed(session.run, [session.upload(source.inputs[chosen]) for chosen in places])


def host_feed(source: Source, session: Session, places: list[NDArray[np.int64]]) -> Feed:
    return Feed(session.predict, [np.ascontiguousarray(source.inputs[chosen]) for chosen in places])


def whole_feed(source: Source, session: Session, places: list[NDArray[np.int64]]) -> Feed:
    preprocess = source.preprocessing
    assert preprocess is not None

    def classify(images: list[Stored]) -> NDArray[np.int64]:
        pixels = [decoded(image, preprocess.channels) for image in images]
        return np.asarray(session.predict(preprocess(pixels)).argmax(axis=1))

    return Feed(classify, [[source.stored[place] for place in chosen] for chosen in places])


FEEDS = {"model": model_feed, "host": host_feed, "end-to-end": whole_feed}


def decoded(image: Stored, channels: int) -> NDArray[np.uint8]:
    return decode(image, 1 if channels == 1 else 3, "a test image") if isinstance(image, bytes) else image


def as_stored(split: Split, count: int, seed: int) -> tuple[Stored, ...]:
    """Distinct test images as they are stored: encoded bytes, or pixels where the source holds those."""
    places = np.random.RandomState(seed).permutation(len(split))[:count].astype(np.int64)
    encoded = [split.images.encoded(int(place)) for place in places]
    whole = tuple(data for data in encoded if data is not None)
    return whole if len(whole) == len(places) else tuple(split.images.read(places))


def call_times(feed: Feed, clock: Clock, calls: int, seconds: float, cap: float, start: int = 0) -> list[float]:
    """Seconds of each call, until `calls` and `seconds` are both reached, or `cap` seconds, or 100,000 calls."""
    call, arguments = feed.call, feed.arguments
    values: list[float] = []
    begin = clock()
    while len(values) < MAX_CALLS:
        argument = arguments[(start + len(values)) % len(arguments)]
        before = clock()
        call(argument)
        after = clock()
        values.append(seconds_between(before, after))
        spent = seconds_between(begin, after)
        if (len(values) >= calls and spent >= seconds) or spent >= cap:
            break
    return values


def empty_call(clock: Clock) -> float:
    """The median of the same loop around a call that does nothing, in seconds."""
    return float(np.median(call_times(Feed(lambda argument: None, [None]), clock, EMPTY_CALLS, 0.0, np.inf)))
