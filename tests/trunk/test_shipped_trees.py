"""The trees that ship: small, found by name, and as good and as cheap as they are said to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from backbench.cli import app
from backbench.errors import UsageError
from backbench.models.build import build
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.trunk import growth_folder
from backbench.trunk.cost import costs
from backbench.trunk.store import SHIPPED, open_network, place_of, shipped

BARS = {  # dataset; test accuracy at least; MACs and bytes of the dearest path at most
    "cifar10": ("cifar10", 0.885, 41e6, 1.1e6),
    "emnist": ("emnist-bymerge47", 0.885, 6e6, 0.75e6),
}


def test_they_ship_within_three_megabytes() -> None:
    assert shipped() == sorted(BARS)
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*")) < 3e6


@pytest.mark.parametrize("name", BARS)
def test_the_dearest_path_is_within_its_bounds(name: str) -> None:
    _, _, macs, weights = BARS[name]
    tree, network = open_network(place_of(name))
    worst = costs(tree, network).worst
    assert worst.macs <= macs
    assert worst.weights <= weights
    assert tree.depth == 2


@pytest.mark.parametrize("name", BARS)
def test_its_test_accuracy_is_the_one_that_its_growth_wrote_down(name: str, test_data: Path) -> None:
    dataset, least, _, _ = BARS[name]
    place = place_of(name)
    _, labels, predicted = growth_folder.test_predictions(place, dataset, Settings(data_root=test_data))
    right = int((labels == predicted).sum())
    assert right / len(labels) >= least
    told = json.loads((place / "growth.json").read_text())["steps"]["test"]
    assert abs(right - told["correct"]) / told["n"] < 0.0005


def test_a_name_is_the_tree_everywhere() -> None:
    model = build(Choice(name="trunk", options={"tree": "emnist"}), num_classes=47, in_channels=1, input_size=(28, 28))
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 47)
    assert growth_folder.root_likelihood(place_of("emnist")).shape == (47, 47)
    assert "worst path" in CliRunner().invoke(app, ["trunk", "show", "emnist"], catch_exceptions=False).output


def test_an_unknown_name_is_told_those_that_ship() -> None:
    with pytest.raises(UsageError, match="or one that ships: cifar10, emnist"):
        CliRunner().invoke(app, ["trunk", "show", "emnost"], catch_exceptions=False)
