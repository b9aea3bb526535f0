"""Lanes: the same gradients as the whole batch where no statistics couple the images, and nothing shared but weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from backbench.training.lanes import Lanes


def network(*, norm: bool) -> nn.Module:
    torch.manual_seed(0)
    middle = nn.BatchNorm2d(4) if norm else nn.Identity()
    return nn.Sequential(nn.Conv2d(3, 4, 3), middle, nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))


def gradients(count: int, *, norm: bool) -> tuple[float, list[torch.Tensor], Lanes]:
    """Of a cross entropy over 12 images, in `count` lanes."""
    lanes = Lanes(network(norm=norm), count)
    images, labels = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(1)), torch.arange(12) % 5

    def part(inputs: torch.Tensor, wanted: torch.Tensor) -> float:
        def work(model: nn.Module) -> float:
            loss = nn.functional.cross_entropy(model(inputs), wanted) * (len(inputs) / len(images))
            loss.backward()
            return loss.item()

        return work  # type: ignore[return-value]

    lanes.train()
    total = lanes.run([part(*pair) for pair in zip(images.chunk(count), labels.chunk(count), strict=True)])  # type: ignore[misc]
    return (
        total,
        [parameter.grad.clone() for parameter in lanes.networks[0].parameters() if parameter.grad is not None],
        lanes,
    )


@pytest.mark.parametrize("count", [2, 3])
def test_the_lanes_gradients_add_up_to_the_batch(count: int) -> None:
    whole, wanted, _ = gradients(1, norm=False)
    total, found, _ = gradients(count, norm=False)
    assert total == pytest.approx(whole, rel=1e-5)
    assert len(found) == 4
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_twice_the_same_is_the_same_to_the_bit() -> None:
    first, second = (gradients(2, norm=True)[1] for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_a_twin_shares_values_and_nothing_else() -> None:
    _, _, lanes = gradients(2, norm=True)
    model, twin = lanes.networks
    with torch.no_grad():
        next(model.parameters()).fill_(7.0)
    assert float(next(twin.parameters()).detach().mean()) == 7.0
    assert all(parameter.grad is None for parameter in twin.parameters())
    mine, theirs = (dict(network.named_buffers())["1.running_mean"] for network in (model, twin))
    assert not torch.equal(mine, theirs)


def test_what_goes_wrong_in_a_lane_is_raised() -> None:
    def fails(model: nn.Module) -> float:
        raise RuntimeError("in the second lane")

    with pytest.raises(RuntimeError, match="in the second lane"):
        Lanes(network(norm=False), 2).run([lambda model: 0.0, fails])
