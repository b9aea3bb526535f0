"""Datasets against the records: the source's own files, read again and not from the cache; then the decoded copy in the
cache against those. A dataset that is not on this machine is no fault, and said so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backbench.data import load_dataset, source_of
from backbench.data.dataset import Dataset
from backbench.data.images import ArrayImages
from backbench.errors import DataError, MissingDependency, UsageError
from backbench.records.schema import Record
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.verifying.facts import dataset_of, text
from backbench.verifying.finding import Finding, Verdict


def datasets(records: Sequence[Record], settings: Settings) -> list[Finding]:
    known = {record.cell.dataset: text(dataset_of(record), "sha256") for record in records}
    return [check_dataset(choice, str(expected), settings) for choice, expected in known.items()]


def check_dataset(choice: Choice, expected: str, settings: Settings) -> Finding:
    """The source's files, read again and not from the cache; then the decoded copy in the cache against them."""

    def named(verdict: Verdict, detail: str) -> Finding:
        return Finding("dataset", str(choice), verdict, detail)

    try:
        source = source_of(choice, settings.data_root)
    except (DataError, UsageError) as error:
        return named("not checked", f"not on this machine: {error}")
    if not source.stands_in(settings.data_root):
        return named("not checked", f"not under {settings.data_root}")
    try:
        found = source.load(settings.data_root)
    except MissingDependency as error:
        return named("not checked", str(error))
    except DataError as error:
        return named("fail", str(error))
    if found.checksum != expected:
        detail = f"not the images that were used (SHA-256 {found.checksum[:16]}…, the record has {expected[:16]}…)"
        return named("fail", f"{settings.data_root}: {detail}")
    stale = other_pixels(found, load_dataset(choice, settings))
    if stale:
        return named(
            "fail", f"the decoded copy under {settings.cache / 'datasets'} differs in {stale}; `backbench cache clean`"
        )
    return named(
        "pass",
        f"{len(found.train)} + {len(found.validation)} + {len(found.test)} images, SHA-256 {found.checksum[:16]}…",
    )


def other_pixels(source: Dataset, cached: Dataset) -> str | None:
    """The first part whose decoded images or labels are not the source's. Images that are decoded when read have no copy."""
    for name in ("train", "validation", "test"):
        mine, theirs = getattr(source, name), getattr(cached, name)
        if not np.array_equal(mine.labels, theirs.labels):
            return f"the labels of {name}"
        decoded = isinstance(mine.images, ArrayImages) and isinstance(theirs.images, ArrayImages)
        if decoded and not np.array_equal(mine.images.pixels, theirs.images.pixels):
            return f"the images of {name}"
    return None
