"""The images of some classes as a dataset of its own, with labels counted anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backbench.data.dataset import Dataset, Split
from backbench.data.source import subset
from backbench.errors import DataError
from backbench.trunk.grouping import Groups


def of_classes(dataset: Dataset, labels: Sequence[int]) -> Dataset:
    """Only the images of these classes; class i of the result is `labels[i]`."""
    return of_groups(dataset, tuple((label,) for label in labels))


def of_groups(dataset: Dataset, groups: Groups) -> Dataset:
    """Only the images of the groups' classes, each group one class."""
    place = np.full(len(dataset.classes), -1, np.int64)
    for number, members in enumerate(groups):
        place[list(members)] = number
    names = tuple("+".join(dataset.classes[label] for label in members) for members in groups)
    return replace(
        dataset,
        classes=names,
        train=chosen(dataset.train, place),
        validation=chosen(dataset.validation, place),
        test=chosen(dataset.test, place),
    )


def chosen(split: Split, place: np.ndarray) -> Split:
    kept = np.flatnonzero(place[split.labels] >= 0).astype(np.int64)
    part = subset(split, kept)
    return Split(part.images, place[part.labels])


def refuse_empty(dataset: Dataset) -> None:
    """Raises DataError where a class has no images to learn from, or none that were held out to judge by."""
    for name in ("train", "validation"):
        counts = np.bincount(getattr(dataset, name).labels, minlength=len(dataset.classes))
        missing = [dataset.classes[label] for label in np.flatnonzero(counts == 0)]
        if missing:
            shown = ", ".join(map(repr, missing[:5])) + (", …" if len(missing) > 5 else "")
            raise DataError(
                f"{dataset.name}: its {name} part holds no image of {shown}: a tree can't place such a class"
            )
