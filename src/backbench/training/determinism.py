"""`--deterministic`: the same weights, bit by bit, from the same inputs on one machine with one number of threads.

The seeds, the order of the images and the augmentation are fixed in any case. What this adds: torch may only choose
kernels that repeat, cuDNN does not try out which one is fastest, and cuBLAS keeps its workspace. A kernel that has no such
form ends the training with its name, and lanes that would share random numbers are refused. Another machine, another
number of threads, or another version of a library may still add up in another order.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING

from backbench.errors import BackbenchError, UsageError
from backbench.settings import Settings
from backbench.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

KERNEL = re.compile(r"(\S+) does not have a deterministic implementation")
WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS's condition for results that repeat


@contextmanager
def repeatable(settings: Settings) -> Iterator[None]:
    """For as long as the block lasts, where it is asked for. Raises BackbenchError that names the kernel, UsageError."""
    if not settings.deterministic:
        yield
        return
    refuse_split(settings)
    import torch

    os.environ.setdefault(*WORKSPACE)  # read when CUDA is first used
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    except RuntimeError as error:
        found = KERNEL.search(str(error))
        if found is None:
            raise
        raise BackbenchError(
            f"--deterministic: the kernel {found[1]} has no form that repeats bit by bit on this device; train without"
            " --deterministic, or replace the layer that uses it"
        ) from None
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]


def refuse_chance(settings: Settings, recipe: Recipe, network: nn.Module, shape: tuple[int, int, int]) -> None:
    """Raises UsageError where lanes would draw random numbers (dropout) in the order in which they happen to come by.

    Whether the network draws any is tried out, on a copy and with two black images of C × H × W.
    """
    if settings.deterministic and recipe.lanes > 1 and draws(network, shape):
        raise UsageError(
            f"--deterministic: recipe {recipe.name!r} computes {recipe.lanes} lanes side by side, and what this network draws "
            "at random (dropout) is drawn in the order in which they come by; a recipe with lanes: 1 repeats"
        )


def draws(network: nn.Module, shape: tuple[int, int, int]) -> bool:
    """Whether a pass in training mode takes random numbers; torch's generator is left as it was."""
    import torch

    before = torch.get_rng_state()
    with torch.no_grad():
        deepcopy(network).train()(torch.zeros(2, *shape))
    taken = not torch.equal(before, torch.get_rng_state())
    torch.set_rng_state(before)
    return taken


def refuse_split(settings: Settings) -> None:
    if settings.max_memory is not None:
        raise UsageError(
            "--deterministic and --max-memory exclude each other: how a batch is split depends on the memory that is "
            "measured, and another split adds up to other weights"
        )
