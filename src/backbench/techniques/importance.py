"""How important a channel is: what `prune_channels` ranks by. torch-pruning's criteria, and the gradients that one of them needs.

l1, l2    the norm of its weights, the mean over all layers that share it (Li et al. 2017)
lamp      that squared norm as a share of what is left in the layer (Lee et al. 2021, arXiv:2010.07611)
taylor    |weight · gradient|: the loss's change to first order (Molchanov et al. 2019)
random    chance: the baseline that a criterion must beat
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from backbench.errors import Skip
from backbench.registry import require
from backbench.techniques.dependency import tracing
from backbench.techniques.technique import Context

if TYPE_CHECKING:
    from torch import nn

Importance = Literal["l1", "l2", "lamp", "taylor", "random"]
BATCH = 32  # images at once for the gradients


def criterion(name: Importance) -> Any:
    """From a group of channels to one number for each. Raises MissingDependency."""
    library = require("technique prune_channels", "torch_pruning", "torch").importance
    table: dict[Importance, Callable[[], Any]] = {
        "l1": lambda: library.GroupMagnitudeImportance(p=1),
        "l2": lambda: library.GroupMagnitudeImportance(p=2),
        "lamp": lambda: library.LAMPImportance(p=2),
        "taylor": library.GroupTaylorImportance,
        "random": library.RandomImportance,
    }
    return table[name]()


def gradients(model: nn.Module, context: Context, count: int) -> None:
    """The loss's gradients over `count` images of train, drawn by the seed, in `model`'s parameters. Raises Skip without train."""
    import torch

    train = context.dataset.train
    if not len(train):
        raise Skip(
            f"technique prune_channels: taylor needs images of train, and {context.dataset.name} has no train part"
        )
    places = np.sort(np.random.default_rng(context.seed).permutation(len(train))[:count])
    model.zero_grad()
    with tracing():
        for start in range(0, len(places), BATCH):
            chosen = places[start : start + BATCH]
            scores = model(torch.from_numpy(context.preprocessing(train.images.read(chosen))))
            labels = torch.from_numpy(np.asarray(train.labels[chosen], np.int64))
            torch.nn.functional.cross_entropy(scores, labels, reduction="sum").backward()
