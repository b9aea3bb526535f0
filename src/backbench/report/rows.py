"""One record as one row: every number computed here, from the record's raw samples, in seconds, bytes and shares.

What a record does not hold is None in its row, never zero. Numbers that stand in free fields (artefact, cost) are
taken only where they are numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench.records.environment import fingerprint
from backbench.records.schema import Measurement, Record
from backbench.report.groups import Alike, conditions, part
from backbench.report.reading import LARGEST, Found
from backbench.spec.cell import Cell
from backbench.statistics.accuracy import Proportion, wilson
from backbench.statistics.intervals import Summary, Throughput, latency_summary, throughput_summary


@dataclass(frozen=True)
class Row:
    """A record with its number in the report."""

    number: int
    found: Found

    @property
    def record(self) -> Record:
        return self.found.record

    @property
    def cell(self) -> Cell:
        return self.found.record.cell

    @cached_property
    def conditions(self) -> Alike:
        return conditions(self.found)

    @cached_property
    def fingerprint(self) -> str:
        """Of the host and its software."""
        return fingerprint(self.record.host)

    @property
    def status(self) -> str:
        return self.record.status

    @cached_property
    def medians(self) -> dict[int, float]:
        """Round → median seconds of a call: what comparisons pair."""
        return {number: median(values) for number, values in by_round(self.record.measurements.get("latency")).items()}

    @cached_property
    def latency(self) -> Summary | None:
        rounds = by_round(self.record.measurements.get("latency"))
        return latency_summary(list(rounds.values())) if rounds else None

    @cached_property
    def throughput(self) -> Throughput | None:
        """Images per second at the batch where they are most."""
        found = self.record.measurements.get("throughput")
        processes: dict[int, list[tuple[float, ...]]] = {}
        for sample in found.samples if found else ():
            batch = number_in(sample.data, "batch")
            if batch and batch >= 1 and sample.values and median(sample.values) > 0:
                processes.setdefault(int(batch), []).append(sample.values)
        return throughput_summary(processes) if processes else None

    @property
    def correct(self) -> NDArray[np.bool_] | None:
        """Whether each test image is right."""
        return self.found.correct

    @cached_property
    def accuracy(self) -> Proportion | None:
        """Top-1 with Wilson's interval."""
        return None if self.correct is None else wilson(int(self.correct.sum()), len(self.correct))

    @property
    def top5(self) -> float | None:
        found = self.record.predictions
        return found.top5_correct / found.n if found and found.top5_correct is not None else None

    @property
    def trained(self) -> bool:
        """False where the head was never trained on this dataset: then the accuracy is chance."""
        return (self.record.artefact or {}).get("trained") is not False

    @property
    def size(self) -> float | None:
        """Bytes of the deployable file(s)."""
        return number_in(self.record.artefact, "bytes")

    def parameters(self, name: str) -> float | None:
        """`stored`, `nonzero`, `trainable`, `subnormal` or `weights_bytes`."""
        return number_in(part(self.record.artefact, "parameters"), name)

    @property
    def macs(self) -> float | None:
        """Of the first counter; see `disputed`."""
        return next(iter(self.counters.values()), None)

    @property
    def counters(self) -> dict[str, float]:
        """Counter → MACs of one image."""
        counters = part(self.record.cost, "counters")
        found = {str(name): number_in(counters, name) for name in counters}
        return {name: count for name, count in found.items() if count is not None}

    @property
    def disputed(self) -> bool:
        """Whether the two counters disagree by more than 1 %."""
        return bool(self.record.cost.get("disputed"))

    @property
    def peak_memory(self) -> float | None:
        """Bytes: the median over processes of the rise of the resident set over its size before loading."""
        return self.middle("peak_memory")

    @property
    def energy(self) -> float | None:
        """Joules an image."""
        return self.middle("energy")

    def middle(self, metric: str) -> float | None:
        """The median over processes of each one's median."""
        rounds = by_round(self.record.measurements.get(metric))
        return median(median(values) for values in rounds.values()) if rounds else None

    def reason(self, metric: str) -> str | None:
        """Why the metric has no value."""
        found = self.record.measurements.get(metric)
        return found.reason if found else None

    @property
    def grade(self) -> str | None:
        return self.record.conditions.grade if self.record.conditions else None


def by_round(measurement: Measurement | None) -> dict[int, tuple[float, ...]]:
    """Round → the values of its process; rounds without values are left out."""
    samples = measurement.samples if measurement else ()
    return {sample.round: sample.values for sample in samples if sample.values}


def number_in(data: object, key: Any) -> float | None:
    """The number at `key`, or None where there is none."""
    value = data.get(key) if isinstance(data, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
        return None
    return value
