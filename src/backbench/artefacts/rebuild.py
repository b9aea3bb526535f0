"""A network from its description and its stored weights: what eager opens, and what is exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.spec.cell import Chain
from backbench.spec.choice import Choice

if TYPE_CHECKING:
    from torch import nn


def rebuild(
    model: Choice,
    *,
    num_classes: int,
    shape: tuple[int, int, int],
    technique: Chain,
    steps: Sequence[dict[str, Any]],
    weights: Path,
) -> nn.Module:
    """`shape` is C, H, W; `steps` are the evidence of the chain, whose notes give pruned shapes back.

    Raises WeightsError where the weights don't fit.
    """
    from backbench.models.build import build, load_weights
    from backbench.techniques import REGISTRY

    network = build(model, num_classes=num_classes, in_channels=shape[0], input_size=shape[1:])
    for choice, step in zip(technique, steps, strict=False):  # a graph's steps come last and have no network
        part = REGISTRY.build(choice)
        if part.works_on() == "module":
            network = part.rebuild(network, step["notes"])
    load_weights(network, weights)
    return network
