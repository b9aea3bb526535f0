"""Seconds of each block, measured so that the parts add up to the whole.

One clock is read whenever a block is entered or left, and each stretch of time between two readings belongs to the
innermost block that is open: its `own` time. Every stretch belongs to somebody, so Σ own + outside is the call's own
time, to the nanosecond; what passes in a container between its blocks (additions, reshapes, Python) is the container's
own and is shown as the remainder. On CUDA the readings are events, and the one synchronisation is at the end.

Passes come in turns of plain, instrumented, plain: hooks cost time, so the plain calls say how much, and the plain
calls after the removal say that nothing of them is left.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from backbench.measuring.clock import WALL, Clock, seconds_between, timed
from backbench.measuring.plan import Plan
from backbench.measuring.sampling import Feed, call_times
from backbench.profiling.module_stack import ROOT, hooked, hooks_on, modules_to
from backbench.profiling.timed import Blocks, BlockTime

if TYPE_CHECKING:
    from torch import nn

TURNS = 3
LEAST, MOST = 2, 20  # calls of each kind in a turn


@dataclass
class Recorder:
    """The readings of one pass: (path, entered or left, reading)."""

    read: Callable[[], Any]
    marks: list[tuple[str, bool, Any]] = field(default_factory=list)

    def enter(self, path: str) -> None:
        self.marks.append((path, True, self.read()))

    def leave(self, path: str, output: Any) -> None:
        self.marks.append((path, False, self.read()))


@dataclass(frozen=True)
class Charged:
    """Seconds by path in one pass; `total` from the first reading to the last."""

    own: dict[str, float]
    whole: dict[str, float]
    total: float


def charge(marks: Sequence[tuple[str, bool, Any]], between: Callable[[Any, Any], float]) -> Charged:
    """Each stretch to the innermost open block. Marks are nested: what is entered last is left first."""
    own: dict[str, float] = defaultdict(float)
    whole: dict[str, float] = defaultdict(float)
    open_blocks: list[tuple[str, Any]] = []
    last = marks[0][2]
    for path, entered, reading in marks:
        if open_blocks:
            own[open_blocks[-1][0]] += between(last, reading)
        if entered:
            open_blocks.append((path, reading))
        else:
            name, start = open_blocks.pop()
            assert name == path
            if name not in [other for other, _ in open_blocks]:  # a block inside itself is inside the same time
                whole[path] += between(start, reading)
        last = reading
    return Charged(dict(own), dict(whole), between(marks[0][2], last))


def block_times(
    model: nn.Module, feed: Feed, depth: int, plan: Plan, device: str = "cpu", clock: Clock = WALL
) -> Blocks:
    """Turns of plain, instrumented and plain calls; `feed.call` calls `model`."""
    one = min(call_times(feed, clock, LEAST, 0.0, math.inf))
    calls = min(MOST, max(LEAST, math.ceil(plan.timed_seconds / TURNS / max(one, 1e-9))))

    def plain() -> tuple[float, ...]:
        return tuple(call_times(feed, clock, calls, 0.0, plan.cap_seconds))

    before, passes, after = [], [], []
    own_hooks = hooks_on(model)
    for _ in range(TURNS):
        before.append(plain())
        passes += [instrumented(model, feed, depth, device, clock, number) for number in range(calls)]
        after.append(plain())
    return assembled(model, depth, passes, before, after, hooks_on(model) - own_hooks)


def instrumented(
    model: nn.Module, feed: Feed, depth: int, device: str, clock: Clock, number: int
) -> tuple[float, Charged]:
    """The seconds of one call with hooks on, and where they went."""
    cuda = device.startswith("cuda")
    recorder = Recorder(cuda_event if cuda else clock)
    argument = feed.arguments[number % len(feed.arguments)]
    with hooked(modules_to(model, depth), recorder.enter, recorder.leave):
        _, seconds = timed(clock, lambda: feed.call(argument))
    return seconds, charge(recorder.marks, event_seconds if cuda else seconds_between)


def assembled(
    model: nn.Module,
    depth: int,
    passes: Sequence[tuple[float, Charged]],
    before: Sequence[tuple[float, ...]],
    after: Sequence[tuple[float, ...]],
    hooks_left: int,
) -> Blocks:
    paths = list(modules_to(model, depth))
    inner = {path.rpartition(".")[0] for path in paths if path != ROOT}
    modules = tuple(
        BlockTime(
            path=path,
            whole=tuple(charged.whole.get(path, 0.0) for _, charged in passes),
            own=tuple(charged.own.get(path, 0.0) for _, charged in passes),
            block=path not in inner,
        )
        for path in paths
    )
    return Blocks(
        depth=depth,
        modules=modules,
        outside=tuple(seconds - charged.total for seconds, charged in passes),
        instrumented=tuple(seconds for seconds, _ in passes),
        before=tuple(before),
        after=tuple(after),
        hooks_left=hooks_left,
    )


def cuda_event() -> Any:
    import torch

    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def event_seconds(start: Any, end: Any) -> float:
    end.synchronize()
    return float(start.elapsed_time(end)) / 1e3
