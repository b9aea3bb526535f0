"""The averaged softmax likelihood (ASL): row i is the mean softmax over the images of true class i. No torch.

Taken on a held-out part in evaluation mode: on images that the network was trained on, everything looks certain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backbench.errors import DataError
from backbench.trunk.grouping import Likelihood


def averaged_likelihood(shares: NDArray[np.floating], labels: NDArray[np.int64], classes: Sequence[str]) -> Likelihood:
    """`shares` N × n (softmax), `labels` N → n × n; rows sum to one. Raises DataError for a class with no images."""
    counts = np.bincount(labels, minlength=len(classes))
    missing = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    if missing:
        raise DataError(
            f"the held-out part holds no image of class {', '.join(map(repr, missing))}: nothing says what it is similar to"
        )
    total = np.zeros((len(classes), len(classes)))
    np.add.at(total, labels, shares.astype(np.float64))
    return np.asarray(total / counts[:, None])
