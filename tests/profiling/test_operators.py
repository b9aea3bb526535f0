"""Operators and traces by torch's profiler, on a network whose operators are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from small_networks import Plain

from backbench.measuring.sampling import Feed
from backbench.profiling.operators import operator_times, write_traces

pytestmark = pytest.mark.filterwarnings("ignore:.*Profiler clears events.*", "ignore:.*Profiler won't be using.*")


@pytest.fixture
def network() -> torch.nn.Module:
    return Plain(10, 3).eval()


@pytest.fixture
def feed(network: torch.nn.Module) -> Feed:
    @torch.inference_mode()
    def call(batch: torch.Tensor) -> object:
        return network(batch)

    return Feed(call, [torch.rand(1, 3, 64, 64)])


def test_operators_are_counted_and_leave_a_remainder(feed: Feed) -> None:
    found = operator_times(feed)
    calls = {row.name: row.calls for row in found.operators}
    assert calls["aten::relu"] == 1
    assert calls["aten::conv2d"] == 2
    assert sum(row.seconds for row in found.operators) + found.remainder == pytest.approx(
        sum(found.passes) / len(found.passes)
    )
    assert 0 <= found.remainder < sum(found.passes)


def test_the_allocators_sum_holds_what_was_counted(feed: Feed) -> None:
    """Input and output of the activation are alive together; torch may hold some copies beside them."""
    two = 2 * 8 * 64 * 64 * 4
    assert two <= operator_times(feed).allocated_peak < 4 * two  # type: ignore[operator]


def test_a_trace_names_the_blocks(network: torch.nn.Module, feed: Feed, tmp_path: Path) -> None:
    write_traces(network, feed, 1, "cpu", tmp_path / "traces" / "one.json", tmp_path / "tensorboard")
    events = json.loads((tmp_path / "traces" / "one.json").read_text())["traceEvents"]
    names = {event.get("name") for event in events}
    assert {"Plain", "0", "aten::conv2d"} <= names
    assert [path.name.endswith(".pt.trace.json") for path in (tmp_path / "tensorboard").iterdir()] == [True]


def test_no_trace_is_written_that_nobody_asked_for(network: torch.nn.Module, feed: Feed, tmp_path: Path) -> None:
    write_traces(network, feed, 1, "cpu", None, None)
    assert list(tmp_path.iterdir()) == []
