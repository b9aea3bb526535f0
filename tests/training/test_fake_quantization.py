"""Fake quantization rounds to the grid that int8 kernels compute on, and leaves the network's own weights alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from backbench.training import fake_quantization
from backbench.training.fake_quantization import FakeInput, FakeWeight


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


def images(seed: int = 0) -> torch.Tensor:
    return torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_a_weight_has_at_most_255_levels_a_channel_and_none_moves_by_more_than_half_a_step() -> None:
    weight = torch.randn(4, 50, 10, generator=torch.Generator().manual_seed(0))
    rounded = FakeWeight(0)(weight)
    for channel, was in zip(rounded, weight, strict=True):
        step = was.abs().max() / 127
        assert len(torch.unique(torch.round(channel / step))) <= 255
        assert bool(((channel - was).abs() <= step * 0.5001).all())


def test_a_folded_batch_norm_is_rounded_to_the_same_grid() -> None:
    """A factor for each output channel goes through the rounding unchanged: so it may be folded afterwards."""
    weight = torch.randn(4, 20, generator=torch.Generator().manual_seed(0))
    factor = torch.tensor([0.1, 1.0, 7.0, -2.0])[:, None]
    torch.testing.assert_close(FakeWeight(0)(weight * factor), FakeWeight(0)(weight) * factor)


def test_gradients_pass_straight_through() -> None:
    weight = torch.randn(4, 20, requires_grad=True)
    FakeWeight(0)(weight).sum().backward()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, torch.ones_like(weight))


def test_a_range_follows_in_training_and_stands_still_in_evaluation() -> None:
    part = FakeInput().train()
    part(torch.tensor([0.0, 2.0]))
    assert (float(part.low), float(part.high), int(part.seen)) == (0.0, 2.0, 1)
    part(torch.tensor([-1.0, 4.0]))
    assert (round(float(part.low), 4), round(float(part.high), 4)) == (-0.01, 2.02)
    part.eval()
    out = part(torch.tensor([-5.0, 0.0, 9.0]))
    assert (round(float(part.low), 4), round(float(part.high), 4)) == (-0.01, 2.02)
    assert float(out[1]) == 0.0, "zero is always on the grid: padding stays what it is"
    assert float(out.max()) < 2.1, "what lies outside of the range is cut"


def test_every_layer_is_rounded_and_a_copy_has_its_own_ranges() -> None:
    model = network()
    assert fake_quantization.insert(model) == 4
    fake_quantization.calibrate(model, [images().numpy()])
    twin = copy.deepcopy(model)
    twin.train()(3 * images())
    ranges = [float(part.high) for part in model.modules() if isinstance(part, FakeInput)]
    others = [float(part.high) for part in twin.modules() if isinstance(part, FakeInput)]
    assert all(mine != theirs for mine, theirs in zip(ranges, others, strict=True))
    assert all(np.isfinite(ranges))


def test_calibrating_moves_no_statistics_of_batch_norm() -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fake_quantization.insert(model)
    fake_quantization.calibrate(model, [images().numpy()])
    after = fake_quantization.plain_state(model)
    assert set(after) == set(before)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_the_outputs_are_near_those_of_the_network_and_not_the_same() -> None:
    plain, model = network().eval(), network()
    fake_quantization.insert(model)
    fake_quantization.calibrate(model, [images().numpy()])
    with torch.no_grad():
        error = (model.eval()(images(1)) - plain(images(1))).abs().max()
    assert 0 < float(error) < 0.05


@pytest.mark.parametrize(("reduced", "levels"), [(False, 255), (True, 127)])
def test_the_reduced_range_has_half_the_levels(reduced: bool, levels: int) -> None:
    layer = nn.Linear(5000, 1)
    fake_quantization.insert(layer, reduce_range=reduced)
    assert levels * 0.9 < len(layer.weight.unique()) <= levels


def test_a_training_step_moves_the_weights_underneath() -> None:
    model = network()
    fake_quantization.insert(model)
    fake_quantization.calibrate(model, [images().numpy()])
    before = fake_quantization.plain_state(model)["0.weight"].clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    nn.functional.cross_entropy(model.train()(images()), torch.arange(8) % 3).backward()
    optimizer.step()
    after = fake_quantization.plain_state(model)["0.weight"]
    assert not torch.equal(before, after)
    assert len(torch.unique(after)) == len(torch.unique(before)), "what is kept is fp32, not the rounded weights"
