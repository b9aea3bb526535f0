"""How many images of a batch fit into a memory bound: measured on this network, not guessed.

A step's memory grows linearly with its images (activations kept for the backward pass). Forward and backward of one
and of
four images are run under a hook that counts what autograd saves; the line through both says how many fit. Gradients
of micro-batches are
added up, so that the step is the same, with one exception: batch-norm sees the micro-batch's statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from backbench.errors import UsageError

if TYPE_CHECKING:
    from backbench.training.loop import Training

SLACK = 1.5  # temporary buffers of the backward pass beside what autograd saves
FIXED_COPIES = 4  # weights, gradients, momentum, average


def micro_batch(run: Training, max_memory: int) -> int:
    """The largest number of images a step can take at once under `max_memory` bytes of tensors.

    Raises UsageError where not even one image fits.
    """
    one, four = saved_bytes(run, 1), saved_bytes(run, 4)
    each = max(1, (four - one) // 3)
    weights = sum(tensor.numel() * tensor.element_size() for tensor in run.model.state_dict().values())
    room = max_memory - FIXED_COPIES * weights
    fits = int(room / (SLACK * each))
    if fits < 1:
        least = FIXED_COPIES * weights + int(SLACK * each)
        raise UsageError(f"--max-memory {max_memory}: one image of this network needs about {least} bytes")
    return min(run.recipe.batch, fits)


def saved_bytes(run: Training, images: int) -> int:
    """Bytes of the distinct tensors that autograd keeps between forward and backward of this many images."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> Any:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    places = torch.arange(len(run.train))[:images]
    run.model.eval()  # batch-norm keeps its statistics; it saves the same tensors
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), run.autocast():
        run.model(run.train.normal(run.train[places]).to(run.device)).sum()
    own = {tensor.untyped_storage().data_ptr() for tensor in run.model.state_dict().values()}
    return sum(size for pointer, size in kept.items() if pointer not in own)
