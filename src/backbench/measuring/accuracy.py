"""Accuracy: the whole test part through the session class that is timed, once per artefact × runtime (rule 14).

Every evaluation on the test part is counted beside the artefact (`test_evaluations.txt`, one line each), so that a
record says how often somebody looked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.data.dataset import Dataset
from backbench.errors import DataError
from backbench.measuring.gate import predict_all
from backbench.measuring.metric import Metric
from backbench.records.schema import Predictions
from backbench.runtimes.runtime import Session

BATCH = 64  # where the file takes any; accuracy does not depend on it
CHUNK = 256  # images that are preprocessed at once
COUNTED = "test_evaluations.txt"


class Accuracy(Metric):
    """Share of test images whose arg-max is their label; the record holds every prediction."""

    unit: ClassVar[str] = "1"
    stage: ClassVar[Literal["sample", "check", "artefact"]] = "check"


def evaluate(session: Session, artefact: Artefact, dataset: Dataset) -> Predictions:
    """The predictions on the dataset's test part. Raises DataError where its classes are not the head's."""
    if len(dataset.classes) != artefact.num_classes:
        raise DataError(
            f"dataset {dataset.name!r} has {len(dataset.classes)} classes, the artefact's head {artefact.num_classes}:"
            " an accuracy needs a head for this dataset"
        )
    batch = artefact.input[0] or min(BATCH, session.largest or BATCH)
    logits = np.concatenate([predict_all(session, images, batch) for images in preprocessed(artefact, dataset)])
    return Predictions.of(logits, dataset.test.labels, count_evaluation(artefact))


def preprocessed(artefact: Artefact, dataset: Dataset) -> Iterator[NDArray[np.float32]]:
    """The test part in pieces: at 224 px ten thousand images would be 6 GB."""
    places = np.arange(len(dataset.test), dtype=np.int64)
    if not len(places):
        raise DataError(f"dataset {dataset.name!r}: its test part is empty")
    for start in range(0, len(places), CHUNK):
        yield artefact.preprocessing(dataset.test.images.read(places[start : start + CHUNK]))


def count_evaluation(artefact: Artefact) -> int:
    """Notes one more evaluation; how many there were, training's own included."""
    with (artefact.folder / COUNTED).open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n")
    before = (artefact.training or {}).get("evaluations_on_test", 0)
    return int(before) + len((artefact.folder / COUNTED).read_text(encoding="utf-8").splitlines())
