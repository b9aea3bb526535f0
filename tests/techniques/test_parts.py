from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from backbench.data import load_dataset
from backbench.models.build import default_preprocessing
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.techniques.prune_unstructured import PruneUnstructured
from backbench.techniques.technique import Context


@pytest.fixture(scope="module")
def context(shared_cache: Path) -> Context:
    dataset = load_dataset(Choice(name="digits"), Settings(cache=shared_cache))
    return Context(dataset, default_preprocessing(Choice(name="resnet20"), dataset), seed=0)


def two_layers() -> nn.Sequential:
    """Ten weights each: the first layer's are 1…10, the second's 11…20."""
    model = nn.Sequential(nn.Linear(5, 2), nn.Linear(2, 5))
    with torch.no_grad():
        model[0].weight.copy_(torch.arange(1.0, 11.0).reshape(2, 5))
        model[1].weight.copy_(-torch.arange(11.0, 21.0).reshape(5, 2))
    return model


@pytest.mark.parametrize(("scope", "zeros"), [("global", [10, 0]), ("local", [5, 5])])
def test_the_smallest_weights_become_zero(context: Context, scope: str, zeros: list[int]) -> None:
    technique = PruneUnstructured.model_validate({"amount": 0.5, "scope": scope})
    notes = replace(context, notes={})
    pruned = technique.apply(two_layers(), notes)
    assert [int((layer.weight == 0).sum()) for layer in pruned] == zeros
    assert all(bool((layer.bias != 0).any()) for layer in pruned)
    assert notes.notes == {"prunable": 20, "zeros": 10}


def test_no_mask_stays_behind(context: Context) -> None:
    pruned = PruneUnstructured().apply(two_layers(), replace(context, notes={}))
    assert list(pruned.state_dict()) == list(two_layers().state_dict())
