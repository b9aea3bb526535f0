"""Time by block: exact where the clock is counted by hand, and adding up where it is real."""

from __future__ import annotations

from itertools import count

import pytest
import torch
from small_networks import Plain, Twice
from torch import nn

from backbench.measuring.plan import PLANS
from backbench.measuring.sampling import Feed
from backbench.profiling.blocks import Recorder, block_times, charge, instrumented
from backbench.profiling.module_stack import hooked, hooks_on, modules_to

PLAN = PLANS["quick"].model_copy(update={"timed_seconds": 0.01})


def difference(start: int, end: int) -> float:
    return float(end - start)


def feed_of(model: nn.Module, size: int = 16) -> Feed:
    @torch.inference_mode()
    def call(batch: torch.Tensor) -> object:
        return model(batch)

    return Feed(call, [torch.rand(1, 3, size, size)])


def test_each_stretch_belongs_to_the_innermost_open_block() -> None:
    marks = [
        ("", True, 0), ("a", True, 2), ("a", False, 5), ("b", True, 6), ("b.c", True, 7), ("b.c", False, 11),
        ("b", False, 12), ("", False, 20),
    ]  # fmt: skip
    found = charge(marks, difference)
    assert found.own == {"": 2 + 1 + 8, "a": 3, "b": 1 + 1, "b.c": 4}
    assert found.whole == {"": 20, "a": 3, "b": 6, "b.c": 4}
    assert sum(found.own.values()) == found.total == 20


def test_a_block_that_is_entered_twice_and_one_inside_itself() -> None:
    marks = [
        ("a", True, 0), ("a", False, 1), ("a", True, 3), ("a", True, 4), ("a", False, 6), ("a", False, 9),
    ]  # fmt: skip
    found = charge(marks, difference)
    assert found.whole == {"a": 1 + 6}
    assert found.total == 9


def test_a_counted_clock_charges_a_real_network() -> None:
    """The clock ticks once a reading: each leaf takes one tick, its container one before, between and behind."""
    network = nn.Sequential(nn.Sequential(nn.ReLU(), nn.ReLU()), nn.ReLU()).eval()
    ticks = count()
    recorder = Recorder(lambda: next(ticks))
    with hooked(modules_to(network), recorder.enter, recorder.leave):
        network(torch.zeros(1))
    found = charge(recorder.marks, difference)
    assert found.own == {"": 3, "0": 3, "0.0": 1, "0.1": 1, "1": 1}


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_parts_add_up_to_each_pass(depth: int) -> None:
    network = Twice(10, 3).eval()
    found = block_times(network, feed_of(network), depth, PLAN)
    for place, seconds in enumerate(found.instrumented):
        parts = sum(module.own[place] for module in found.modules) + found.outside[place]
        assert parts == pytest.approx(seconds, abs=1e-12)
        assert all(module.own[place] >= 0 for module in found.modules)
        assert found.outside[place] >= 0
    assert [module.path for module in found.modules if module.block] == (
        [""] if depth == 0 else ["stem", "shared", "head"]
    )
    assert len(found.before) == len(found.after) == 3


def test_hooks_are_removed_and_the_networks_own_stay() -> None:
    network = Plain(10, 3).eval()
    seen: list[int] = []
    network[0].register_forward_hook(lambda module, arguments, output: seen.append(1))
    found = block_times(network, feed_of(network), 2, PLAN)
    assert found.hooks_left == 0
    assert hooks_on(network) == 1
    assert seen


def test_hooks_are_removed_when_the_network_raises() -> None:
    network = Plain(10, 5).eval()  # five channels where three come
    with pytest.raises(RuntimeError):
        instrumented(network, feed_of(network), 2, "cpu", lambda: 0, 0)
    assert hooks_on(network) == 0


def test_instrumenting_changes_no_output() -> None:
    network = Twice(10, 3).eval()
    batch = torch.rand(2, 3, 16, 16)
    plain = network(batch)
    with hooked(modules_to(network), lambda path: None, lambda path, output: None):
        assert torch.equal(network(batch), plain)
