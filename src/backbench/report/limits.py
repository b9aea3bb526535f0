"""What a person can pay and needs: `5ms`, `4MB`, `90` as bounds on a row, decided only where its interval clears them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from backbench.errors import UsageError
from backbench.report.pareto import Interval
from backbench.report.rows import Row
from backbench.report.units import digits

Standing = Literal["fits", "can't tell", "misses", "not known"]
FORM = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-zµ%/]*)\s*")
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
BYTES = {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
COUNTS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True)
class Kind:
    """One quantity: its units, in which one it is printed, and where a row has it. `most`: less is better."""

    name: str
    units: Mapping[str, float]
    printed: str
    interval: Callable[[Row], Interval | None]
    most: bool = True


def accuracy(row: Row) -> Interval | None:
    """Of a head that was never trained there is none."""
    found = row.accuracy
    return Interval(found.estimate, found.low, found.high) if found and row.trained else None


def latency(row: Row) -> Interval | None:
    found = row.latency
    return Interval(found.median, found.low, found.high) if found else None


def throughput(row: Row) -> Interval | None:
    found = row.throughput
    return Interval(found.images_per_second, found.low, found.high) if found else None


def exact(value: float | None) -> Interval | None:
    return None if value is None else Interval.exact(value)


KINDS = {
    "max-latency": Kind("latency", SECONDS, "ms", latency),
    "max-size": Kind("size", BYTES, "MB", lambda row: exact(row.size)),
    "max-memory": Kind("peak memory", BYTES, "MB", lambda row: exact(row.peak_memory)),
    "max-macs": Kind("MACs", COUNTS, "M", lambda row: None if row.disputed else exact(row.macs)),
    "max-energy": Kind("energy", {"J": 1.0, "mJ": 1e-3}, "J", lambda row: exact(row.energy)),
    "min-accuracy": Kind("accuracy", {"": 1e-2, "%": 1e-2}, "%", accuracy, most=False),
    "min-throughput": Kind("throughput", {"": 1.0, "img/s": 1.0}, "img/s", throughput, most=False),
}


@dataclass(frozen=True)
class Limit:
    kind: Kind
    bound: float  # in base units

    def __str__(self) -> str:
        return f"{self.kind.name} {'at most' if self.kind.most else 'at least'} {self.shown(self.bound)}"

    def shown(self, value: float) -> str:
        return f"{digits(value / self.kind.units[self.kind.printed], 4)} {self.kind.printed}"

    def standing(self, row: Row) -> Standing:
        """Fits where the whole interval is on the right side, misses where the whole one is on the wrong side."""
        found = self.kind.interval(row)
        if found is None:
            return "not known"
        best, worst = (found.low, found.high) if self.kind.most else (-found.high, -found.low)
        bound = self.bound if self.kind.most else -self.bound
        return "fits" if worst <= bound else "misses" if best > bound else "can't tell"

    def shortfall(self, row: Row) -> float:
        """By how much the estimate misses, as a share of the bound; 0 where it fits, infinite where it is not known."""
        found = self.kind.interval(row)
        if found is None:
            return math.inf
        over = found.value - self.bound if self.kind.most else self.bound - found.value
        return max(0.0, over) / self.bound if self.bound else (math.inf if over > 0 else 0.0)

    def said(self, row: Row) -> str:
        """`latency 5.300 ms [5.1, 5.5] ms (6 % over)`."""
        found = self.kind.interval(row)
        if found is None:
            return f"{self.kind.name} not known"
        ends = "" if found.low == found.high else f" [{self.shown(found.low)}, {self.shown(found.high)}]"
        share = self.shortfall(row)
        off = f" ({digits(share * 100, 2)} % {'over' if self.kind.most else 'short'})" if share > 0 else ""
        return f"{self.kind.name} {self.shown(found.value)}{ends}{off}"


def read_limit(option: str, text: str) -> Limit:
    """`max-latency`, `5ms`. Raises UsageError."""
    kind = KINDS[option]
    found = FORM.fullmatch(text[:60])
    if not found or found[2] not in kind.units:
        units = ", ".join(unit or "no unit" for unit in kind.units)
        raise UsageError(f"--{option} {text[:60]!r}: a number and its unit ({units})")
    return Limit(kind, float(found[1]) * kind.units[found[2]])
