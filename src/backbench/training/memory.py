"""How many images of a batch fit into a memory bound: measured on this network, not guessed.

The bound holds for the whole training process on the CPU (the libraries and the images that it holds already included),
and for what torch allocates on a GPU. What a step adds grows linearly with its images. First a forward pass of one image
and of four, under a hook that sums what autograd keeps for the backward pass, says how many fit at least; then two real
steps within that number, whose peaks are read back, give the line that decides. Where a peak can't be read (macOS,
Windows), the first estimate stands.

Gradients of micro-batches are added up, so that the step is the batch's step, with one exception: batch-norm sees the
statistics of a micro-batch, so below about 16 images a network with batch-norm learns worse than with the whole batch.
"""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from backbench.errors import UsageError

if TYPE_CHECKING:
    from backbench.training.loop import Training

# What a step takes over what autograd keeps, as a factor: the backward pass's own results and the kernels' buffers.
# Measured: 1.4 to 1.7 on resnet20 and vgg16_bn_cifar, 3.2 on one wide convolution.
SLACK, LEAST_SLACK = 4.0, 2.0
COPIES = 3  # of the weights, still to come: gradients and the optimizer's two moments
RESERVE = 50_000_000  # bytes on the CPU: code that is loaded later, the allocator's holes
RESET = Path("/proc/self/clear_refs")


def micro_batch(run: Training, bound: int) -> int:
    """The largest number of images that a step can take at once within `bound` bytes, at most the recipe's batch.

    Raises UsageError where not even one image fits.
    """
    kept = max(1.0, (kept_bytes(run, 4) - kept_bytes(run, 1)) / 3)
    coming = COPIES * weight_bytes(run) + batch_bytes(run)
    held, each = held_bytes(run.device), SLACK * kept
    least = int((bound - held - coming) // each)
    if least >= 2:
        held, each = measured(run, min(least, run.recipe.batch), kept) or (held, each)
    fits = int((bound - held - coming) // each)
    if fits < 1:
        raise UsageError(
            f"--max-memory {bound}: {held + coming} bytes are needed beside the images of a step, "
            f"and about {int(each)} for each of them"
        )
    return min(run.recipe.batch, fits)


def measured(run: Training, images: int, kept: float) -> tuple[int, float] | None:
    """What is held without any image, and bytes for each image, from the peaks of two real steps; None: not readable.

    The first step of all loads code and is not counted. The slope has a floor, for memory that was freed before hides
    a part of the second peak.
    """
    before = deepcopy(run.model.state_dict())
    _, one, many = (step_peak(run, count) for count in (1, 1, images))
    run.model.load_state_dict(before)
    run.optimizer.zero_grad(set_to_none=True)
    if one is None or many is None:
        return None
    each = max(LEAST_SLACK * kept, (many - one) / (images - 1))
    return int(one - each) + reserve(run.device), each


def step_peak(run: Training, images: int) -> int | None:
    """Bytes at the highest point of one forward and backward pass of this many images."""
    places = torch.arange(images) % len(run.train)
    inputs = run.train.normal(run.train[places]).to(run.device)
    run.model.train()
    reset_peak(run.device)
    with run.autocast():
        scores = run.model(inputs)
    run.loss(scores.float(), run.train.labels[places].to(run.device)).backward()
    return read_peak(run.device)


def reset_peak(device: str) -> None:
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
    elif RESET.exists():
        RESET.write_text("5")


def read_peak(device: str) -> int | None:
    """The highest resident set of this process since the reset, or what torch allocated on the GPU."""
    if device != "cpu":
        return int(torch.cuda.max_memory_allocated(device))
    if not RESET.exists():
        return None
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def reserve(device: str) -> int:
    return RESERVE if device == "cpu" else 0


def held_bytes(device: str) -> int:
    """What this process holds on the device now, and what is kept free."""
    import psutil

    if device != "cpu":
        return int(torch.cuda.memory_allocated(device))
    return int(psutil.Process(os.getpid()).memory_info().rss) + RESERVE


def weight_bytes(run: Training) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in run.model.state_dict().values())


def batch_bytes(run: Training) -> int:
    """The whole batch is augmented at once: its pixels as bytes and as float32, twice."""
    pixels = run.train[torch.zeros(1, dtype=torch.int64)].numel()
    return run.recipe.batch * pixels * (1 + 2 * 4)


def kept_bytes(run: Training, images: int) -> int:
    """Bytes of the distinct tensors that autograd keeps between forward and backward of this many images."""
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> Any:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage
        return tensor

    places = torch.arange(images) % len(run.train)
    run.model.eval()  # batch-norm's running statistics stay as they are; what is kept is the same
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), run.autocast():
        run.model(run.train.normal(run.train[places]).to(run.device)).sum()
    own = {tensor.untyped_storage().data_ptr() for tensor in run.model.state_dict().values()}
    return sum(storage.nbytes() for pointer, storage in kept.items() if pointer not in own)
