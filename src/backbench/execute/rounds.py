"""Interleaved rounds: in every round each cell that still needs a sample runs once, in seeded random order.

Protocol rules 2, 3 and 10. The baseline cells run in every round. A round is cut into stretches with a fixed canary load
between them (a short round is one stretch): a stretch in which the canary drifts or other processes take too much is
voided and repeated at the round's end, as often as the plan allows, and that is written down. What a sample costs and
what runs in it are given as functions, so that the order, the voiding and the stop rule are tested without a clock.

Does not cover: what a sample is (`measure.sample`) and where it runs (`execute.local`).
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import monotonic
from typing import Any

from backbench.measuring.plan import Plan
from backbench.records.store import RunFolder
from backbench.statistics.intervals import latency_summary

FAST = 1.1  # canaries within a tenth of the fastest are the usual speed: a machine has slow moods, never fast ones


@dataclass(frozen=True)
class Entry:
    """One cell in the rounds: its id, and the stamp that its samples must carry to be joined."""

    cell_id: str
    stamp: str
    keep: bool = False  # the baseline is in every round


@dataclass
class Rounds:
    """The rounds of one study. `sample` returns a SampleResult as data, or None where the cell has failed for good."""

    folder: RunFolder
    plan: Plan
    seed: int
    sample: Callable[[str, int], dict[str, Any] | None]
    canary: Callable[[], float]
    progress: Callable[[str], None]
    budget: float | None = None
    now: Callable[[], float] = monotonic
    failed: set[str] = field(default_factory=set)

    def run(self, entries: Sequence[Entry]) -> None:
        """Until every cell has its interval, its most processes, or the time budget is spent.

        A closed round is never reopened and an interrupted one is taken again whole: what is paired by its
        round was measured side by side. So cells that join later start with the next round, the baseline beside them.
        """
        started, number = self.now(), self.closed()
        self.folder.void_round(number)
        while waiting := self.unfinished(entries):
            if self.budget is not None and self.now() - started > self.budget:
                self.progress("the study's time budget is spent")
                return
            self.round(number, waiting)
            number += 1

    def closed(self) -> int:
        """How many rounds are closed: those with their canary in the folder."""
        return sum("canary" in data for data in self.folder.read_rounds().values())

    def unfinished(self, entries: Sequence[Entry]) -> list[Entry]:
        """The cells that run in the next round: those without their interval, and the baseline beside them."""
        alive = [entry for entry in entries if entry.cell_id not in self.failed]
        waiting = {entry.cell_id for entry in alive if self.needs_more(entry)}
        return [entry for entry in alive if waiting and (entry.keep or entry.cell_id in waiting)]

    def needs_more(self, entry: Entry) -> bool:
        samples = self.folder.read_samples(entry.cell_id)
        if len(samples) < self.plan.min_processes:
            return True
        return len(samples) < self.plan.max_processes and self.too_wide(samples)

    def too_wide(self, samples: dict[int, dict[str, Any]]) -> bool:
        if self.plan.max_processes <= self.plan.min_processes:
            return False
        latencies = [values_of(sample, "latency") for sample in samples.values()]
        latencies = [values for values in latencies if values]
        return len(latencies) > 1 and latency_summary(latencies).half_width > self.plan.half_width

    def round(self, number: int, entries: Collection[Entry]) -> None:
        """Every cell once; what a voided stretch held comes again at the end."""
        data: dict[str, Any] = {"voided": [], "repeated": 0.0, **self.folder.read_rounds().get(number, {})}
        waiting, canaries, trouble = deque(self.shuffled(number, entries)), [self.canary()], []
        while waiting:
            taken = self.stretch(number, waiting)
            canaries.append(self.canary())
            found = self.trouble(canaries, [result["foreign"] for _, result in taken])
            if found and self.repeated() < self.plan.max_voided:
                data = {"voided": [*data["voided"], found], "repeated": data["repeated"] + len(taken) / len(entries)}
                self.folder.write_round(number, data)
                self.progress(
                    f"round {number + 1}: {len(taken)} of {len(entries)} cells are voided and repeated: {found}"
                )
                waiting.extend(entry for entry, _ in taken)
                canaries.append(self.canary())  # the bad moment may be over: it is not the next stretch's
                continue
            trouble += [found] if found else []
            for entry, result in taken:
                kept = {"stamp": entry.stamp, "canary": canaries[-2:], **result}
                self.folder.write_sample(entry.cell_id, number, kept)
        self.folder.write_round(number, {**data, "canary": canaries, "trouble": trouble})

    def shuffled(self, number: int, entries: Collection[Entry]) -> list[Entry]:
        """The round's random order, the same for the same seed."""
        ordered = sorted(entries, key=lambda entry: entry.cell_id)
        random.Random(f"{self.seed}/{number}").shuffle(ordered)
        return ordered

    def stretch(self, number: int, waiting: deque[Entry]) -> list[tuple[Entry, dict[str, Any]]]:
        """Takes cells from the queue and samples them until the plan's time is over; one that fails is in no round again."""
        started, taken = self.now(), list[tuple[Entry, dict[str, Any]]]()
        while waiting and (not taken or self.now() - started < self.plan.stretch_seconds):
            self.progress(f"round {number + 1}: {len(waiting)} cells to go")
            entry = waiting.popleft()
            result = self.sample(entry.cell_id, number)
            if result is None:
                self.failed.add(entry.cell_id)
            else:
                taken.append((entry, result))
        return taken

    def trouble(self, canaries: Sequence[float], foreign: Sequence[float]) -> str | None:
        """Why the stretch between the last two canaries can't be trusted, or None."""
        seen = [seconds for data in self.folder.read_rounds().values() for seconds in data.get("canary", [])]
        seen += canaries
        usual = median(seconds for seconds in seen if seconds <= FAST * min(seen))
        drift = max(abs(seconds / usual - 1) for seconds in canaries[-2:])
        if drift > self.plan.canary_drift:
            return f"the canary drifted by {drift:.1%} (at most {self.plan.canary_drift:.0%})"
        share = sum(foreign) / len(foreign) if foreign else 0.0
        if share > self.plan.foreign_share:
            return f"other processes took {share:.0%} of the processors (at most {self.plan.foreign_share:.0%})"
        return None

    def repeated(self) -> float:
        """How many rounds' worth of samples of this study were voided so far."""
        return float(sum(data.get("repeated", 0.0) for data in self.folder.read_rounds().values()))


def values_of(sample: dict[str, Any], metric: str) -> list[float]:
    """The values of a metric's first sample in a SampleResult as data."""
    found = sample["measurements"].get(metric, [])
    return list(found[0]["values"]) if found else []


def discard_stale(folder: RunFolder, entries: Sequence[Entry]) -> int:
    """Drops samples that another artefact, host or version made; returns how many cells lost theirs."""
    stale = [
        entry.cell_id
        for entry in entries
        if any(sample.get("stamp") != entry.stamp for sample in folder.read_samples(entry.cell_id).values())
    ]
    for cell_id in stale:
        folder.discard_samples(cell_id)
    return len(stale)
