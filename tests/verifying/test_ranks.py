"""The order of cells on another host."""

from __future__ import annotations

from tests.records_builder import make_cell, make_record

from backbench.records.schema import Record
from backbench.verifying.ranks import check_ranks

NOISE = (1.0, 1.001, 0.999, 1.002, 0.998)


def record(seed: int, milliseconds: float, noise: tuple[float, ...] = NOISE) -> Record:
    return make_record(make_cell(seed=seed), tuple((milliseconds * factor / 1e3,) * 3 for factor in noise))


def pairs(then: tuple[float, ...], now: tuple[float, ...]) -> list[tuple[Record, Record]]:
    return [(record(seed, old), record(seed, new)) for seed, (old, new) in enumerate(zip(then, now, strict=True))]


def test_an_order_that_holds_passes_whatever_the_milliseconds() -> None:
    found = check_ranks(pairs((1.0, 2.0, 4.0), (30.0, 31.0, 100.0)))
    assert found is not None
    assert found.verdict == "pass"
    assert "3 of 3 decided orders hold" in found.detail


def test_an_order_that_is_turned_round_fails_and_names_both() -> None:
    found = check_ranks(pairs((1.0, 2.0), (2.0, 1.0)))
    assert found is not None
    assert found.verdict == "fail"
    assert "was slower than" in found.detail
    assert "is faster now" in found.detail


def test_a_tie_now_is_no_pass_and_no_failure() -> None:
    found = check_ranks(pairs((1.0, 2.0, 4.0), (1.0, 1.0, 4.0)))
    assert found is not None
    assert found.verdict == "can't tell"


def test_a_tie_then_asks_for_nothing() -> None:
    found = check_ranks(pairs((1.0, 1.0), (1.0, 2.0)))
    assert found is not None
    assert found.verdict == "pass"
    assert "0 of 0" in found.detail


def test_one_cell_has_no_order() -> None:
    assert check_ranks(pairs((1.0,), (2.0,))) is None
    assert check_ranks([(record(0, 1.0), record(0, 1.0)), (make_record(latency=None), record(1, 1.0))]) is None
