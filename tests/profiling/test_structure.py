"""Counts of small networks against numbers that were worked out by hand."""

from __future__ import annotations

import pytest
import torch
from small_networks import Depends, Fixed, Plain, Several, Twice
from torch import nn

from backbench.models.build import build
from backbench.profiling.module_stack import hooks_on
from backbench.profiling.structure import READS_VALUES, structure
from backbench.profiling.tracing import follow, trace
from backbench.spec.choice import Choice

SHAPE = (1, 3, 16, 16)


def named(found: object, path: str) -> object:
    return next(module for module in found.modules if module.path == path)  # type: ignore[attr-defined]


def test_macs_shapes_and_parameters_by_hand() -> None:
    found = structure(Plain(10, 3), SHAPE)
    assert [module.macs for module in found.modules] == [
        3 * 8 * 9 * 256 + 8 * 4 * 9 * 64 + 4 * 10, 3 * 8 * 9 * 256, 0, 8 * 4 * 9 * 64, 0, 0, 40,
    ]  # fmt: skip
    assert [module.outputs for module in found.modules][1:4] == [((1, 8, 16, 16),), ((1, 8, 16, 16),), ((1, 4, 8, 8),)]
    assert found.parameters == 3 * 8 * 9 + 8 * 4 * 9 + 4 * 10 + 10
    assert found.weight_bytes == 4 * found.parameters
    assert found.buffer_bytes == 0
    assert found.input_bytes == 3 * 256 * 4


def test_live_bytes_by_hand() -> None:
    """While the activation runs, its input, its output and the image are alive; the first convolution's stays no longer."""
    found = structure(Plain(10, 3), SHAPE)
    image, wide, narrow = 3072, 8 * 256 * 4, 4 * 64 * 4
    assert [step.live for step in found.steps if step.written][:3] == [
        image + wide,
        image + 2 * wide,
        image + wide + narrow,
    ]
    assert found.peak.path == "1"
    assert found.peak.live == image + 2 * wide


def test_bytes_read_and_written_by_hand() -> None:
    first = named(structure(Plain(10, 3), SHAPE), "0")
    assert (first.read, first.written) == (3072 + 3 * 8 * 9 * 4, 8 * 256 * 4)  # type: ignore[attr-defined]


def test_following_computes_nothing_and_agrees_with_computing() -> None:
    """Fifty terabytes of activations are followed; at a small size both ways give the same steps."""
    network = Plain(10, 3)
    assert trace(network, (64, 3, 100_000, 100_000)).peak > 4 * 10**13
    without = follow(network, lambda: torch.empty(SHAPE), fake=True)
    computed = follow(network, lambda: torch.rand(SHAPE), fake=False)
    assert without.steps == computed.steps


def test_following_leaves_the_network_as_it_was() -> None:
    network = Twice(10, 3)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    structure(network, SHAPE)
    assert hooks_on(network) == 0
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_a_module_that_is_used_twice_counts_its_parameters_once() -> None:
    found = structure(Twice(10, 3), SHAPE)
    shared = named(found, "shared")
    assert shared.calls == 2  # type: ignore[attr-defined]
    assert shared.also == ("again",)  # type: ignore[attr-defined]
    assert shared.macs == 2 * 8 * 8 * 9 * 256  # type: ignore[attr-defined]
    assert found.parameters == sum(tensor.numel() for tensor in Twice(10, 3).parameters())
    assert [module.path for module in found.modules] == ["", "stem", "shared", "head"]


def test_dicts_and_tuples_of_outputs() -> None:
    found = structure(Several(10, 3), SHAPE)
    assert found.modules[0].outputs == ((1, 8, 7, 7), (1, 8, 7, 7), (1, 10))
    assert found.modules[0].output_bytes == 4 * (2 * 8 * 49 + 10)


def test_a_path_that_depends_on_values_is_computed_and_said() -> None:
    found = structure(Depends(10, 3), SHAPE)
    assert found.computed
    assert found.notes == (READS_VALUES,)
    assert named(found, "bright").calls + named(found, "dark").calls == 1  # type: ignore[attr-defined]


def test_attention_is_counted() -> None:
    """Four products with the weights, and two with each other, of 4 tokens of width 8."""
    found = named(structure(Fixed(10, 3, (16, 16)), SHAPE), "attention")
    assert found.macs == 4 * 4 * 8 * 8 + 2 * 4 * 4 * 8  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([nn.Conv2d(3, 3, 3)], (3, 3)),
        ([nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)], (5, 5)),
        ([nn.Conv2d(3, 3, 3, stride=2), nn.ReLU(), nn.Conv2d(3, 3, 3)], (7, 7)),
        ([nn.Conv2d(3, 3, 3, dilation=4)], (9, 9)),
        ([nn.Conv2d(3, 3, (1, 5)), nn.MaxPool2d(2)], (2, 6)),
        ([nn.AvgPool2d(3, stride=2), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 3)], (7, 7)),
        ([nn.Conv2d(3, 3, 3), nn.AdaptiveAvgPool2d(1)], "image"),
        ([nn.Conv2d(3, 3, 3), nn.Flatten(), nn.Linear(3 * 30 * 30, 2)], "image"),
        ([nn.Conv2d(3, 3, 3), nn.GroupNorm(1, 3)], "image"),
        ([nn.Upsample(scale_factor=2)], None),
        ([nn.ConvTranspose2d(3, 3, 3)], None),
        ([nn.Upsample(scale_factor=2), nn.Conv2d(3, 3, 3)], None),
    ],
)
def test_receptive_field(layers: list[nn.Module], expected: object) -> None:
    network = nn.Sequential(*layers).eval()
    assert structure(network, (1, 3, 32, 32)).modules[0].receptive_field == expected


def test_receptive_field_of_a_published_network() -> None:
    """ResNet-18's last stage sees 435 pixels (7 + 2 · 2, then 2 · jump for each 3 × 3)."""
    network = build(Choice(name="resnet18"), num_classes=10, in_channels=3, input_size=(224, 224))
    found = structure(network, (1, 3, 224, 224))
    assert named(found, "layer4").receptive_field == (435, 435)  # type: ignore[attr-defined]
    assert named(found, "layer1").receptive_field == (43, 43)  # type: ignore[attr-defined]
    assert found.modules[0].receptive_field == "image"
    assert found.macs == 1_814_073_344 + (10 - 1000) * 512


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032), ("resnet101", 44_549_160),
        ("mobilenetv2_100", 3_504_872), ("legacy_xception", 22_855_952),
    ],
)  # fmt: skip
def test_the_profiled_networks_have_the_published_parameters(name: str, parameters: int) -> None:
    network = build(Choice(name=name), num_classes=1000, in_channels=3, input_size=(224, 224))
    assert sum(tensor.numel() for tensor in network.parameters()) == parameters
