"""What is read from a tree's folder beside the tree: likelihoods, predictions on test, images to calibrate on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backbench.data import load_dataset
from backbench.data.dataset import Dataset
from backbench.data.inputs import batch
from backbench.data.preprocessing import Preprocessing
from backbench.errors import DataError, UsageError
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.trunk.family import Trunk
from backbench.trunk.grouping import Likelihood
from backbench.trunk.store import open_network, open_tree
from backbench.trunk.tree import ROOT, Tree

LIKELIHOODS = {False: "likelihood.npy", True: "likelihood-untrained.npy"}


def root_likelihood(folder: Path, untrained: bool = False) -> Likelihood:
    """The root's ASL, where a growth left it. Raises UsageError."""
    for place in (folder, folder / ROOT):
        path = place / LIKELIHOODS[untrained]
        if path.is_file():
            try:
                return np.asarray(np.load(path, allow_pickle=False), np.float64)
            except ValueError as error:
                raise UsageError(f"{path}: no likelihood: {error}") from None
    raise UsageError(f"{folder}: no {LIKELIHOODS[untrained]} is there; `backbench trunk grow` leaves one")


def prepared(folder: Path, dataset: str, settings: Settings) -> tuple[Tree, Dataset, Preprocessing]:
    """The tree, the dataset, and how the tree takes its images. Raises DataError where the classes are others."""
    tree = open_tree(folder)
    images = load_dataset(Choice.parse(dataset), settings)
    if len(images.classes) != len(tree.classes):
        raise DataError(f"{dataset} has {len(images.classes)} classes, the tree {folder} has {len(tree.classes)}")
    return tree, images, Trunk(tree=str(folder)).preprocessing(images)


def test_predictions(
    folder: Path, dataset: str, settings: Settings
) -> tuple[Tree, NDArray[np.int64], NDArray[np.int64]]:
    """The tree, the test part's labels, and what the tree makes of each image."""
    from backbench.training.batches import Pixels
    from backbench.trunk.growing.shares import scores_of

    tree, images, preprocessing = prepared(folder, dataset, settings)
    _, network = open_network(folder)
    pixels = Pixels(images.test, preprocessing)
    return tree, pixels.labels.numpy(), np.asarray(scores_of(network, pixels).argmax(1), np.int64)


def calibration_images(folder: Path, dataset: str, count: int, settings: Settings) -> NDArray[np.float32]:
    """Seeded images of *train*, prepared as the tree takes them: N × C × H × W."""
    _, images, preprocessing = prepared(folder, dataset, settings)
    found, _, _ = batch(images.train, preprocessing, count, seed=0)
    return found
