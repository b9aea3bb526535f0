"""Calibration images: a named subset of *train*, never of validation or test, listed by its indices and their hash (rule 15).

A subset is drawn without repetition by the cell's seed. More images than train has are refused, never quietly made fewer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench.errors import BackbenchError, Skip
from backbench.techniques.technique import Context

BATCH = 16  # images that are preprocessed, and run, at once


def draw(context: Context, wanted: int, technique: str) -> NDArray[np.int64]:
    """Places in the train part, in rising order. Raises Skip where there is no train part, BackbenchError where it is too small."""
    have, name = len(context.dataset.train), context.dataset.name
    if not have:
        raise Skip(f"technique {technique}: it calibrates on train, and {name} has no train part")
    if wanted > have:
        raise BackbenchError(
            f"technique {technique}: calibration={wanted} is more than the {have} images in the train part of {name}"
        )
    return places(have, wanted, context.seed)


def places(n: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """`wanted` of 0…n-1, drawn without repetition by the seed, in rising order."""
    return np.sort(np.random.default_rng(seed).permutation(n)[:wanted]).astype(np.int64)


def notes(context: Context, chosen: NDArray[np.int64]) -> dict[str, Any]:
    """What the evidence says of the images that were used."""
    return {
        "calibration_name": f"{context.dataset.name}/train, {len(chosen)} of {len(context.dataset.train)} by seed {context.seed}",
        "calibration_part": "train",
        "calibration_n": len(chosen),
        "calibration_indices": chosen.tolist(),
        "calibration_sha256": hashlib.sha256(chosen.astype("<i8").tobytes()).hexdigest(),
    }


def batches(
    context: Context, chosen: NDArray[np.int64], shape: tuple[int | None, ...], size: int = BATCH
) -> Iterator[NDArray[np.float32]]:
    """The chosen images as the network gets them: float32 N × C × H × W, `size` at once.

    `shape` is what the network takes, C × H × W (None: any). Raises BackbenchError for images of another one.
    """
    for start in range(0, len(chosen), size):
        batch = context.preprocessing(context.dataset.train.images.read(chosen[start : start + size]))
        refuse_shape(batch.shape[1:], shape)
        yield batch


def refuse_shape(given: tuple[int, ...], wanted: tuple[int | None, ...]) -> None:
    sides = zip(given, wanted, strict=False)
    if len(given) != len(wanted) or any(side != other for side, other in sides if other is not None):
        raise BackbenchError(f"the calibration images are {by(given)}, and the network takes {by(wanted)}")


def by(shape: tuple[int | None, ...]) -> str:
    return "x".join("N" if side is None else str(side) for side in shape)
