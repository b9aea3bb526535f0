"""Whether a size fits into memory, before it is run.

    least = a process that has imported everything + weights and buffers + the tensors alive at the peak
    most  = least + the largest operator's tensors once more (a library may copy them into a layout of its own)

Over what is free at least: the run is refused, with both numbers and the largest size that fits. `free` is what the
system can hand out without swapping, within the control group's limit and `--max-memory`; on CUDA the device's own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil

from backbench.profiling.counted import Prediction, Shape, Structure, shape_text
from backbench.settings import Settings

CGROUP = Path("/sys/fs/cgroup")


def free_bytes(settings: Settings, device: str = "cpu", root: Path = CGROUP) -> int:
    """Bytes that a process may still take on this device."""
    free = device_free(device) if device.startswith("cuda") else min(psutil.virtual_memory().available, group(root))
    return min(free, settings.max_memory or free)


def device_free(device: str) -> int:
    import torch

    return int(torch.cuda.mem_get_info(device)[0])


def group(root: Path) -> int:
    """What the control group leaves; a huge number where it sets no limit."""
    try:
        limit, used = ((root / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return int(limit) - int(used)
    except (OSError, ValueError):  # no such file, or "max"
        return 1 << 62


def predict(structure: Structure, baseline: int, free: int) -> Prediction:
    return Prediction(
        baseline=baseline,
        weights=structure.weight_bytes + structure.buffer_bytes,
        live=structure.peak.live,
        copies=max(step.read + step.written for step in structure.steps),
        available=free,
    )


def refusal(prediction: Prediction, shape: Shape, largest: Shape | None) -> str:
    """Why this size is not run, in one sentence."""
    least, most, free = (f"{size / 1e9:.2f}" for size in (prediction.least, prediction.most, prediction.available))
    hint = f"; the largest batch or image of this shape that fits is {shape_text(largest)}" if largest else ""
    return f"out of memory, predicted before it was run: {shape_text(shape)} needs {least} to {most} GB and {free} GB are free{hint}"


def largest_under(fits: Callable[[int], bool], highest: int) -> int:
    """The largest number from 1 to `highest` that fits, by bisection; 0 where not even 1 does."""
    low, high = 0, highest + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
