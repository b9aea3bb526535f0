"""The contract of every own family, and the counts that are published for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from backbench.errors import SpecError, UsageError
from backbench.models import REGISTRY
from backbench.models.build import build, load_weights, save_weights
from backbench.spec.choice import Choice

SHAPES = {"digits": (1, 8), "letters": (1, 28), "colour": (3, 32)}
# One small network of each family, for what takes long with the published size.
SMALL = (
    "resnet20:width=4",
    "resnet20:width=4,shortcut=b",
    "resnet20:width=4,stem_stride=2",
    "vgg16_bn_cifar:width=4",
    "mobilenetv2_small:width=0.1",
    "vit_mini:dim=16,depth=2,heads=2",
    "convnext_mini:width=8,depth=1",
)


def network(text: str, channels: int = 3, side: int = 32, classes: int = 10, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(Choice.parse(text), num_classes=classes, in_channels=channels, input_size=(side, side))


def parameters(model: nn.Module) -> int:
    return sum(tensor.numel() for tensor in model.parameters())


def macs(model: nn.Module, side: int = 32) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, side, side, device=next(model.parameters()).device))
    return int(counter.get_total_flops()) // 2


@pytest.mark.parametrize("name", REGISTRY.names())
@pytest.mark.parametrize("shape", SHAPES)
def test_gives_logits_for_every_small_image(name: str, shape: str) -> None:
    channels, side = SHAPES[shape]
    model = network(name, channels, side, classes=7)
    assert not model.training
    with torch.no_grad():
        logits = model(torch.randn(2, channels, side, side))
    assert logits.shape == (2, 7)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", REGISTRY.names())
def test_builds_without_memory(name: str) -> None:
    with torch.device("meta"):
        model = network(name)
    assert all(tensor.is_meta for tensor in model.state_dict().values())


@pytest.mark.parametrize("text", SMALL)
def test_the_seed_decides_every_value(text: str) -> None:
    first, again, other = (network(text, seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("text", SMALL)
def test_weights_survive_a_file(text: str, tmp_path: Path) -> None:
    model, other = network(text, seed=1), network(text, seed=2)
    images = torch.randn(2, 3, 32, 32)
    save_weights(model, tmp_path / "weights.safetensors")
    told = load_weights(other, tmp_path / "weights.safetensors")
    assert told["missing"] == told["unexpected"] == []
    with torch.no_grad():
        assert torch.equal(model(images), other(images))


@pytest.mark.parametrize("text", SMALL)
def test_every_parameter_learns(text: str) -> None:
    model = network(text).train()
    loss = nn.functional.cross_entropy(model(torch.randn(4, 3, 32, 32)), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    still = [
        name for name, tensor in model.named_parameters() if tensor.grad is None or not tensor.grad.isfinite().all()
    ]
    assert still == []
    assert sum(float(tensor.grad.abs().sum()) for tensor in model.parameters() if tensor.grad is not None) > 0


@pytest.mark.parametrize("text", [text for text in SMALL if "shortcut=b" not in text])  # B adds no operator of its own
def test_exports_with_a_free_batch(text: str, onnx_outputs: Callable[..., np.ndarray]) -> None:
    model = network(text, channels=1, side=8)
    images = torch.randn(5, 1, 8, 8)
    with torch.no_grad():
        expected = model(images).numpy()
    np.testing.assert_allclose(onnx_outputs(model, images), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resnet20", 269_722),
        ("resnet20:shortcut=b", 272_474),
        ("resnet32", 464_154),
        ("resnet44", 658_586),
        ("resnet56", 853_018),
        ("resnet110", 1_727_962),
        ("vgg16_bn_cifar", 14_728_266),
        ("vgg16_bn_cifar:poolings=3", 14_728_266),
        ("mobilenetv2_small", 2_236_682),
    ],
)
def test_parameters_are_the_published_ones(text: str, expected: int) -> None:
    with torch.device("meta"):
        assert parameters(network(text)) == expected


@pytest.mark.parametrize(
    ("text", "millions"),
    [
        ("resnet20", 40.55),
        ("resnet20:shortcut=b", 40.81),
        ("resnet56", 125.49),
        ("vgg16_bn_cifar", 313.20),
        ("vgg16_bn_cifar:poolings=3", 398.14),
        ("mobilenetv2_small", 87.98),
    ],
)
def test_macs_are_the_published_ones(text: str, millions: float) -> None:
    with torch.device("meta"):
        model = network(text)
        assert round(macs(model) / 1e6, 2) == millions


@pytest.mark.parametrize("name", ["resnet20", "mobilenetv2_small"])
def test_a_stem_of_stride_two_costs_what_half_the_side_costs(name: str) -> None:
    """Behind the stem both see 16 × 16 pixels, and the stem itself makes as many."""
    with torch.device("meta"):
        half, thinned = network(name, side=16), network(f"{name}:stem_stride=2")
        assert macs(thinned) == macs(half, side=16)
        assert parameters(thinned) == parameters(half)


@pytest.mark.parametrize(("side", "patch"), [(8, 2), (16, 2), (28, 4), (32, 4), (64, 8), (96, 16), (224, 16), (26, 2)])
def test_the_patch_follows_from_the_image(side: int, patch: int) -> None:
    with torch.device("meta"):
        model = network("vit_mini:depth=1", side=side)
    assert model.get_submodule("patch_embed").kernel_size == (patch, patch)


def test_a_patch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(UsageError, match="a patch of 3 does not divide 8×8"):
        network("vit_mini:patch=3", side=8)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("resnet20:widht=8", "did you mean 'width'"),
        ("resnet20:shortcut=c", "'a' or 'b'"),
        ("mobilenetv2_small:width=0", "greater than 0"),
        ("vit_mini:dim=10", "dim=10 must be a multiple of heads=3"),
        ("vgg16_bn_cifar:poolings=5", "3 or 4"),
    ],
)
def test_a_wrong_option_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        network(text)
