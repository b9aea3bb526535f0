"""A grown tree as small as it is kept beside code: weights in 16 bits, and what its growth wrote down; no checkpoints.

Kernels and matrices are rounded to fp16. What has one axis (biases, batch norm) stays fp32: it is a hundredth of the bytes, and variances
may pass fp16's range. Loading casts back, so a packed tree runs like any other.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from backbench.errors import UsageError
from backbench.trunk.growing.journal import FILE as JOURNAL
from backbench.trunk.growth_folder import LIKELIHOODS
from backbench.trunk.store import WEIGHTS, open_network, save

KEPT = (JOURNAL, *LIKELIHOODS.values())


def pack(source: Path, out: Path) -> Path:
    """Writes the folder `out`; its weights file. Raises UsageError, SpecError, WeightsError."""
    if out.resolve() == source.resolve():
        raise UsageError(f"{out} is the tree itself: its fp32 weights would be lost; name another --out")
    tree, network = open_network(source)
    for weight in network.parameters():
        if weight.dim() > 1:
            weight.data = weight.data.half()
    out.mkdir(parents=True, exist_ok=True)
    save(out, tree, network)
    for name in KEPT:
        if (source / name).is_file():
            shutil.copyfile(source / name, out / name)
    return out / WEIGHTS
