"""Labels as they come out of a file: as many as images, each naming a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backbench.errors import DataError


def checked(labels: NDArray[np.int64], images: int, classes: int, file: Path, first: int = 0) -> NDArray[np.int64]:
    """The labels, counted from 0. `first` is what the file calls the first class. Raises DataError."""
    if len(labels) != images:
        raise DataError(f"{file}: {len(labels)} labels for {images} images")
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{file}, row {row}: label {labels[row] + first} is none of the {classes} classes"
            f" ({first} to {classes - 1 + first})"
        )
    return labels
