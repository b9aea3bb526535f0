"""Layers are split where that stores less, and the best pair of that rank is what they become."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from backbench.artefacts.cost import module_parameters
from backbench.errors import SpecError
from backbench.spec.choice import Choice
from backbench.techniques import REGISTRY
from backbench.techniques.low_rank import LowRank, break_even, split
from backbench.techniques.technique import Context
from digits_context import SMALL, digits_context, images, network


@pytest.fixture
def context(shared_cache: Path) -> Context:
    return digits_context(shared_cache)


@pytest.mark.parametrize("name", SMALL)
def test_every_kind_of_network_stores_less(name: str, context: Context) -> None:
    model, technique = network(SMALL[name]), LowRank.model_validate({"ratio": 0.5})
    thin = technique.apply(model, context)
    rebuilt = technique.rebuild(network(SMALL[name], seed=7), json.loads(json.dumps(context.notes)))
    rebuilt.load_state_dict(thin.state_dict(), strict=True)
    torch.testing.assert_close(rebuilt(images()), thin(images()))
    assert module_parameters(thin)["stored"] < 0.75 * module_parameters(model)["stored"]
    assert context.notes["left_alone"] not in context.notes["ranks"]


@pytest.mark.parametrize(
    "layer",
    [nn.Linear(64, 32), nn.Linear(32, 64, bias=False), nn.Conv2d(8, 16, 3, stride=2, padding=1, dilation=2)],
    ids=["linear", "unbiased", "convolution"],
)
def test_a_weight_of_low_rank_is_split_without_loss(layer: nn.Module) -> None:
    with torch.no_grad():
        flat = layer.weight.flatten(1)
        layer.weight.copy_((flat[:, :3] @ flat[:3]).reshape(layer.weight.shape))
    batch = torch.rand(2, layer.weight.shape[1], 9, 9) if layer.weight.dim() == 4 else torch.rand(2, layer.in_features)
    torch.testing.assert_close(split(layer, 3)(batch), layer(batch), rtol=1e-4, atol=1e-5)


def test_the_rank_keeps_the_energy_that_is_asked_for(context: Context) -> None:
    LowRank.model_validate({"energy": 0.8}).apply(network(SMALL["vgg16_bn"]), context)
    assert context.notes["ranks"]
    assert all(kept >= 0.8 for kept in context.notes["energy"].values())


def test_a_layer_is_left_whole_where_two_would_store_more(context: Context) -> None:
    LowRank.model_validate({"energy": 0.9999}).apply(network(SMALL["vgg16_bn"]), context)
    for name, rank in context.notes["ranks"].items():
        assert rank < break_even(network(SMALL["vgg16_bn"]).get_submodule(name))


@pytest.mark.parametrize("options", [{"ratio": 1.0}, {"ratio": -1}, {"energy": 0}, {"ratio": 0.5, "energy": 0.5}])
def test_impossible_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(SpecError):
        REGISTRY.build(Choice(name="low_rank", options=options))
