"""Parts of a batch side by side, one processor each.

The layers of a small network are too short for several threads to share: they wait for each other hundreds of times in
a step, and under load far longer. Here each lane takes its part of the batch through the whole network on one thread,
and the lanes meet once a step. A lane's network shares the parameters and has gradients and batch-norm statistics of
its own; the statistics that are kept are the first lane's. So batch norm sees a part of the batch, as with micro-batches.

What a network draws at random while it trains (dropout) is drawn in the order in which the lanes come by: such
a training can't be repeated bit by bit with more than one lane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import torch
from torch import nn

Work = Callable[[nn.Module], float]


class Lanes:
    """A network and its twins. With one lane it is the network alone, on all threads."""

    def __init__(self, model: nn.Module, count: int) -> None:
        self.networks = [model, *(twin(model) for _ in range(count - 1))]
        self.pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) if count > 1 else None

    def train(self) -> None:
        for network in self.networks:
            network.train()

    def run(self, work: Sequence[Work]) -> float:
        """The sum of what each piece of work returns, one a lane; gradients are added up in the network's own."""
        if self.pool is None:
            return sum(part(self.networks[0]) for part in work)
        waiting = [self.pool.submit(part, network) for part, network in zip(work, self.networks, strict=False)]
        total = sum(one.result() for one in waiting)
        for network in self.networks[1:]:
            add_gradients(self.networks[0], network)
        return total


def twin(model: nn.Module) -> nn.Module:
    """A copy that shares every parameter's values and has its own gradients and buffers."""
    copy = deepcopy(model)
    for mine, theirs in zip(copy.parameters(), model.parameters(), strict=True):
        mine.data = theirs.data
    return copy


@torch.no_grad()
def add_gradients(model: nn.Module, other: nn.Module) -> None:
    """Moves the other's gradients into the model's: always in the same order, so the sum is the same each time."""
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        if theirs.grad is None:
            continue
        if mine.grad is None:
            mine.grad = theirs.grad
        else:
            mine.grad.add_(theirs.grad)
        theirs.grad = None
