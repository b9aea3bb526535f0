"""Masks set weights to zero and remove none, and say so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from backbench.errors import BackbenchError
from backbench.techniques.layers import output_layer
from backbench.techniques.prune_24 import Prune24, two_of_four
from backbench.techniques.prune_structured import PruneStructured
from backbench.techniques.prune_unstructured import PruneUnstructured
from backbench.techniques.technique import Context
from digits_context import digits_context, network


@pytest.fixture
def context(shared_cache: Path) -> Context:
    return digits_context(shared_cache)


def two_layers() -> nn.Sequential:
    """Ten weights each: the first layer's are 1…10, the second's -11…-20."""
    model = nn.Sequential(nn.Linear(5, 2), nn.Linear(2, 5))
    with torch.no_grad():
        model[0].weight.copy_(torch.arange(1.0, 11.0).reshape(2, 5))
        model[1].weight.copy_(-torch.arange(11.0, 21.0).reshape(5, 2))
    return model


@pytest.mark.parametrize(
    ("scope", "amount", "zeros"), [("local", 0.5, [5, 5]), ("global", 0.45, [9, 0]), ("global", 0.05, [1, 0])]
)
def test_the_smallest_weights_become_zero(context: Context, scope: str, amount: float, zeros: list[int]) -> None:
    technique = PruneUnstructured.model_validate({"amount": amount, "scope": scope})
    pruned = technique.apply(two_layers(), context)
    assert [int((layer.weight == 0).sum()) for layer in pruned] == zeros
    assert all(bool((layer.bias != 0).any()) for layer in pruned)
    assert context.notes == {
        "masks": True,
        "prunable": 20,
        "zeros": sum(zeros),
        "layers": {"0": [10, zeros[0]], "1": [10, zeros[1]]},
    }


def test_no_mask_stays_behind(context: Context) -> None:
    pruned = PruneUnstructured(scope="local").apply(two_layers(), context)
    assert list(pruned.state_dict()) == list(two_layers().state_dict())


@pytest.mark.parametrize(("norm", "dim"), [(1, 0), (2, 0), (2, 1)])
def test_whole_channels_of_the_smallest_norm_become_zero(context: Context, norm: int, dim: int) -> None:
    model = network("resnet20:width=8")
    technique = PruneStructured.model_validate({"amount": 0.25, "norm": norm, "dim": dim})
    layer = technique.apply(model, context).get_submodule("layer1.0.conv1")
    weight = model.get_submodule("layer1.0.conv1").weight.detach()
    norms = weight.transpose(0, dim).flatten(1).norm(p=norm, dim=1)
    gone = (layer.weight.detach().transpose(0, dim).flatten(1) == 0).all(dim=1)
    assert int(gone.sum()) == 2
    assert set(norms.argsort()[:2].tolist()) == set(gone.nonzero().flatten().tolist())


def test_classes_are_never_masked_away(context: Context) -> None:
    model = network("vit_mini:dim=48,depth=1,heads=3")
    pruned = PruneStructured(amount=0.5).apply(model, context)
    assert context.notes["left_alone"] == "head" == output_layer(model, context.shape)
    assert torch.equal(pruned.get_submodule("head").weight, model.get_submodule("head").weight)


def test_masks_leave_every_shape(context: Context) -> None:
    model = network("mobilenetv2_small:width=0.25")
    pruned = PruneStructured(amount=0.3).apply(model, context)
    shapes = [tuple(tensor.shape) for tensor in pruned.state_dict().values()]
    assert shapes == [tuple(tensor.shape) for tensor in model.state_dict().values()]
    assert context.notes["masks"] is True


@pytest.mark.parametrize(
    "technique",
    [PruneUnstructured(amount=0.5), PruneUnstructured(amount=0.999, scope="local"), PruneStructured(amount=0.97)],
    ids=str,
)
def test_a_layer_of_zeros_alone_is_refused_by_name(context: Context, technique: PruneUnstructured) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4, bias=False), nn.Linear(4, 64))
    with torch.no_grad():
        model[1].weight.mul_(1e-6)
    with pytest.raises(BackbenchError, match=r"every weight of '[12]' to zero"):
        technique.apply(model, context)


def test_two_of_four_are_left() -> None:
    weight = torch.tensor([[1.0, -4.0, 2.0, 3.0, 0.5, 0.1, -0.2, 0.3]])
    assert two_of_four(weight).tolist() == [[0, 1, 0, 1, 1, 0, 0, 1]]


def test_two_of_four_in_every_row_that_divides(context: Context) -> None:
    pruned = Prune24().apply(network("resnet20:width=8"), context)
    weight = pruned.get_submodule("layer1.0.conv1").weight.detach().reshape(-1, 4)
    assert bool(((weight != 0).sum(dim=1) == 2).all())
    stem = pruned.get_submodule("conv1").weight  # 9 inputs: no fours
    assert bool((stem != 0).all())
    assert context.notes["pattern"] == "2:4"


def test_off_cuda_two_of_four_says_why_not() -> None:
    reason = Prune24.missing()
    assert reason is None if torch.cuda.is_available() else "needs CUDA" in str(reason)
