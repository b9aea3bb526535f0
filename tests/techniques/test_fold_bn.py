"""A folded network gives the same outputs with no batch-norm behind a convolution; what can't be folded stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from backbench.errors import BackbenchError, Skip
from backbench.models.build import build
from backbench.spec.choice import Choice
from backbench.techniques.fold_bn import FoldBn, batch_norms, compare, pairs
from backbench.techniques.technique import Context
from digits_context import SMALL, digits_context, images, network


@pytest.fixture
def context(shared_cache: Path) -> Context:
    return digits_context(shared_cache)


def lived_in(model: nn.Module) -> nn.Module:
    """With statistics as training leaves them: those of a new batch-norm would fold by doing nothing."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
    return model.eval()


@pytest.mark.parametrize("name", ["resnet20", "resnet20_b", "vgg16_bn", "mobilenetv2"])
def test_the_outputs_stay_and_the_batch_norms_go(name: str, context: Context) -> None:
    model, technique = lived_in(network(SMALL[name])), FoldBn()
    folded = technique.apply(model, context)
    assert batch_norms(model)
    assert not batch_norms(folded)
    assert context.notes["left"] == []
    torch.testing.assert_close(folded(images()), model(images()), rtol=1e-4, atol=1e-5)
    rebuilt = technique.rebuild(network(SMALL[name], seed=7), json.loads(json.dumps(context.notes)))
    rebuilt.load_state_dict(folded.state_dict(), strict=True)
    torch.testing.assert_close(rebuilt(images()), folded(images()))


def test_timm_s_batch_norm_leaves_its_activation_behind(context: Context) -> None:
    model = build(Choice.parse("mobilenetv2_050"), num_classes=10, in_channels=1, input_size=(8, 8))
    folded = FoldBn().apply(lived_in(model), context)
    assert not batch_norms(folded)
    assert sum(isinstance(module, nn.ReLU6) for module in folded.modules()) == sum(
        isinstance(module, nn.ReLU6) for module in model.modules()
    )
    torch.testing.assert_close(folded(images()), model(images()), rtol=1e-3, atol=1e-5)


class TwoReaders(nn.Module):
    """The sum reads the convolution, too: folding would change what is added."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        return x + self.norm(x)


class CalledTwice(nn.Module):
    """One convolution in front of two batch-norms has no place for both."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.one, self.two = nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.BatchNorm2d(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(self.conv(self.one(self.conv(x))))


@pytest.mark.parametrize("model", [TwoReaders(), CalledTwice()], ids=["two-readers", "called-twice"])
def test_where_folding_would_be_wrong_nothing_is_folded(model: nn.Module) -> None:
    assert pairs(model.eval()) == []


@pytest.mark.parametrize("name", ["vit", "convnext"])
def test_a_network_without_batch_norm_is_skipped(name: str, context: Context) -> None:
    with pytest.raises(Skip, match=r"fold_bn: .* has no batch-norm that follows a convolution"):
        FoldBn().apply(network(SMALL[name]), context)


def test_other_outputs_are_an_error(context: Context) -> None:
    with pytest.raises(BackbenchError, match="gives other outputs"):
        compare(network(SMALL["resnet20"]), network(SMALL["resnet20"], seed=1), context)
