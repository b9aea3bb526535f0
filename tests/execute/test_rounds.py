"""Rounds: order, baseline, voiding, the stop rule and resuming, with functions in place of everything that takes time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backbench.execute.rounds import Entry, Rounds, discard_stale
from backbench.measuring.plan import PLANS, Plan
from backbench.records.store import RunFolder

A, B, C = Entry("a", "now", keep=True), Entry("b", "now"), Entry("c", "now")


class Kill(Exception):
    """The moment at which a run is killed."""


def result(*latency: float, foreign: float = 0.0) -> dict[str, Any]:
    sample = {"round": 0, "values": list(latency), "data": {}}
    return {"measurements": {"latency": [sample]}, "foreign": foreign}


def plan(**changes: Any) -> Plan:
    fixed = {"min_processes": 3, "max_processes": 6, "half_width": 0.01, "max_voided": 2}
    return PLANS["standard"].model_copy(update={**fixed, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create()
    return made


def rounds(folder: RunFolder, sample: Callable[[str, int], dict[str, Any] | None], **changes: Any) -> Rounds:
    fields: dict[str, Any] = {"plan": plan(), "seed": 0, "canary": lambda: 1.0, "progress": lambda text: None}
    return Rounds(folder=folder, sample=sample, **{**fields, **changes})


def test_every_cell_runs_once_in_every_round_in_changing_order(folder: RunFolder) -> None:
    calls: list[tuple[int, str]] = []

    def sample(cell: str, number: int) -> dict[str, Any]:
        calls.append((number, cell))
        return result(1.0, 1.0)

    rounds(folder, sample, plan=plan(min_processes=6)).run([A, B, C])
    assert len(calls) == 18
    orders = [[cell for at, cell in calls if at == number] for number in range(6)]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    again: list[tuple[int, str]] = calls.copy()
    calls.clear()
    other = RunFolder(folder.path.parent / "other")
    other.create()
    rounds(other, sample, plan=plan(min_processes=6)).run([C, B, A])
    assert calls == again


def test_it_stops_when_the_interval_is_narrow_and_the_baseline_stays(folder: RunFolder) -> None:
    levels = {"a": [1.0] * 6, "b": [1.0] * 6, "c": [1.0, 1.4, 0.8, 1.3, 0.9, 1.2]}
    rounds(folder, lambda cell, number: result(levels[cell][number])).run([A, B, C])
    assert {cell: len(folder.read_samples(cell)) for cell in "abc"} == {"a": 6, "b": 3, "c": 6}


def test_the_time_budget_ends_it(folder: RunFolder) -> None:
    clock = iter(range(100))
    rounds(folder, lambda cell, number: result(1.0), budget=1.5, now=lambda: float(next(clock))).run([A])
    assert len(folder.read_samples("a")) == 1


def test_a_round_with_a_drifting_canary_is_voided_and_said(folder: RunFolder) -> None:
    canaries = iter([1.0, 1.0, 1.0, 1.5] + [1.0] * 20)
    said: list[str] = []
    rounds(folder, lambda cell, number: result(1.0), canary=lambda: next(canaries), progress=said.append).run([A])
    assert [len(data["voided"]) for data in folder.read_rounds().values()] == [0, 1, 0]
    assert sorted(folder.read_samples("a")) == [0, 1, 2]
    assert any("voided" in text and "canary" in text for text in said)


def test_of_a_long_round_only_the_stretch_with_the_trouble_is_repeated(folder: RunFolder) -> None:
    """Each sample takes twenty seconds, a stretch thirty: two cells each."""
    clock, taken = [0.0], list[str]()

    def sample(cell: str, number: int) -> dict[str, Any]:
        clock[0] += 20.0
        taken.append(cell)
        return result(1.0)

    cells = [Entry(name, "now") for name in "abcdef"]
    canaries = iter([1.0, 1.0, 1.4, 1.0, 1.0, 1.0])  # the third is the bad moment, the fourth is taken at once
    once = plan(min_processes=1, max_processes=1, stretch_seconds=30.0)
    rounds(folder, sample, plan=once, canary=lambda: next(canaries), now=lambda: clock[0]).run(cells)
    assert len(taken) == 8
    assert taken[2:4] == taken[6:]
    assert [folder.read_samples(cell)[0]["canary"] for cell in "abcdef"] == [[1.0, 1.0]] * 6
    data = folder.read_rounds()[0]
    assert len(data["voided"]) == 1
    assert data["repeated"] == pytest.approx(2 / 6)
    assert data["trouble"] == []


def test_a_machine_that_is_slow_at_first_is_not_taken_for_its_usual_self(folder: RunFolder) -> None:
    canaries = iter([1.3, 1.3, 1.0, 1.0] + [1.3] * 6)
    once = plan(min_processes=3, max_processes=3, max_voided=2)
    rounds(folder, lambda cell, number: result(1.0), plan=once, canary=lambda: next(canaries)).run([A])
    found = folder.read_rounds()
    assert [len(data["voided"]) for data in found.values()] == [0, 0, 2]
    assert [len(data["trouble"]) for data in found.values()] == [0, 0, 1]
    assert all("30.0%" in text for text in found[2]["voided"])


def test_a_busy_machine_voids_a_bounded_number_of_rounds(folder: RunFolder) -> None:
    taken: list[int] = []

    def sample(cell: str, number: int) -> dict[str, Any]:
        taken.append(number)
        return result(1.0, foreign=0.4)

    rounds(folder, sample).run([A])
    assert taken == [0, 0, 0, 1, 2]
    assert "40%" in folder.read_rounds()[2]["trouble"][0]


def test_a_cell_that_fails_leaves_and_the_others_go_on(folder: RunFolder) -> None:
    rounds(folder, lambda cell, number: None if cell == "b" and number else result(1.0)).run([A, B, C])
    assert {cell: len(folder.read_samples(cell)) for cell in "abc"} == {"a": 3, "b": 1, "c": 3}


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5, 7, 8])
def test_a_killed_run_continues_with_none_lost_and_none_twice(folder: RunFolder, after: int) -> None:
    count = 0

    def sample(cell: str, number: int) -> dict[str, Any]:
        nonlocal count
        count += 1
        if count == after + 1:
            raise Kill
        return result(1.0)

    with pytest.raises(Kill):
        rounds(folder, sample).run([A, B, C])
    closed = after // 3
    assert all(set(folder.read_samples(cell)) >= set(range(closed)) for cell in "abc")
    rounds(folder, sample).run([A, B, C])
    assert all(sorted(folder.read_samples(cell)) == [0, 1, 2] for cell in "abc")
    # The interrupted round is taken again whole, so that what is paired was measured side by side.
    assert count == after + 1 + 9 - 3 * closed


def test_a_finished_study_measures_nothing_again(folder: RunFolder) -> None:
    rounds(folder, lambda cell, number: result(1.0)).run([A, B])
    rounds(folder, lambda cell, number: pytest.fail("measured again")).run([A, B])


def test_a_cell_that_joins_later_is_measured_beside_the_baseline(folder: RunFolder) -> None:
    rounds(folder, lambda cell, number: result(1.0)).run([A, B])
    rounds(folder, lambda cell, number: result(1.0)).run([A, B, C])
    assert sorted(folder.read_samples("c")) == [3, 4, 5]
    assert sorted(folder.read_samples("a")) == [0, 1, 2, 3, 4, 5]
    assert sorted(folder.read_samples("b")) == [0, 1, 2]


def test_samples_of_another_artefact_or_host_are_dropped(folder: RunFolder) -> None:
    folder.write_sample("a", 0, {"stamp": "before", **result(1.0)})
    folder.write_sample("b", 0, {"stamp": "now", **result(1.0)})
    assert discard_stale(folder, [A, B]) == 1
    assert folder.read_samples("a") == {}
    assert list(folder.read_samples("b")) == [0]
