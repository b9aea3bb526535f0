"""Units by their spellings: what they measure, and what one of them is in base units (s, bytes, elements, 1/s)."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Dimension = Literal["time", "bytes", "count", "percent", "ratio", "rate"]


class Unit(NamedTuple):
    dimension: Dimension
    factor: float


TIME = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "msec": 1e-3, "msecs": 1e-3, "millisecond": 1e-3,
    "milliseconds": 1e-3, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0,
    "minutes": 60.0,
}  # fmt: skip
BYTES = {
    "byte": 1.0, "bytes": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "mbyte": 1e6, "mbytes": 1e6, "megabytes": 1e6,
    "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30,
}  # fmt: skip
PREFIX = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
WORDS = {"thousand": 1e3, "million": 1e6, "millions": 1e6, "billion": 1e9, "billions": 1e9}
RATES = (
    "fps",
    "img/s",
    "imgs/s",
    "images/s",
    "image/s",
    "im/s",
    "samples/s",
    "samples/sec",
    "it/s",
    "qps",
    "images/sec",
)
COUNTED = r"(?:params?|parameters|macs?|flops?|madds?|mult-adds|weights)"


def factor_of(text: str) -> Unit | None:
    """The unit that this text is, alone: "ms", "MiB", "GMACs", "M", "%"; None where it is none."""
    name = text.strip().lower()
    bare = re.sub(r"\s*/\s*(img|image|images|sample|frame|batch|inference)s?$", "", name)
    if bare in TIME:
        return Unit("time", TIME[bare])
    if bare in BYTES:
        return Unit("bytes", BYTES[bare])
    if name in RATES:
        return Unit("rate", 1.0)
    if name in ("%", "percent", "pp", "pts", "points"):
        return Unit("percent", 1.0)
    if name in ("x", "×", "times"):
        return Unit("ratio", 1.0)
    return counted(name)


def counted(name: str) -> Unit | None:
    """G, GMACs, M params, MFLOPs, million."""
    if name in WORDS:
        return Unit("count", WORDS[name])
    found = re.fullmatch(rf"([kmgbt]?)(?:[ -]?{COUNTED})?", name)
    return Unit("count", PREFIX[found[1]]) if found and name else None
