"""Augmentation against what it must be, image by image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from backbench.training.augment import erase, geometry, mix
from backbench.training.batches import part
from backbench.training.recipe import Augment


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(n: int = 64, side: int = 8) -> Tensor:
    """Images whose every pixel has its own value, 1 … side²; one channel."""
    return torch.arange(1, side * side + 1, dtype=torch.uint8).view(1, side, side, 1).repeat(n, 1, 1, 1)


@pytest.mark.parametrize("padding", ["zero", "reflect"])
def test_each_image_is_a_window_of_its_padded_self(padding: str) -> None:
    images = numbered()
    mirror = torch.arange(64) % 2 == 0
    moved = geometry(images, mirror, Augment(crop=2, padding=padding), draw())
    mode = {"zero": "constant", "reflect": "reflect"}[padding]
    padded = np.pad(images[0, :, :, 0].numpy(), 2, mode=mode)  # type: ignore[call-overload]
    windows = {padded[y : y + 8, x : x + 8].tobytes(): (y, x) for y in range(5) for x in range(5)}
    seen = set()
    for image, turned in zip(moved[..., 0].numpy(), mirror.tolist(), strict=True):
        window = image[:, ::-1] if turned else image
        seen.add(windows[window.tobytes()])
    assert len(seen) > 15


def test_a_window_is_a_part_of_the_image_at_every_place() -> None:
    images = numbered(256)
    seen = set()
    for image in geometry(images, torch.zeros(256, dtype=torch.bool), Augment(), draw(), 0.75)[..., 0]:
        top, left = divmod(int(image[0, 0]) - 1, 8)
        assert torch.equal(image, images[0, top : top + 6, left : left + 6, 0])
        seen.add((top, left))
    assert len(seen) == 9


def test_no_augmentation_changes_nothing() -> None:
    images = numbered()
    assert torch.equal(geometry(images, torch.zeros(64, dtype=torch.bool), Augment(), draw()), images)
    assert torch.equal(erase(images, 0.0, draw()), images)


def test_erasing_leaves_one_rectangle_of_the_mean() -> None:
    images = numbered()
    erased = erase(images, 0.5, draw())
    changed = (erased != images)[..., 0]
    hit = changed.flatten(1).any(1)
    assert 16 < int(hit.sum()) < 48
    assert set(erased[..., 0][changed].tolist()) == {32}
    for rectangle in changed[hit]:
        rows, columns = rectangle.any(1), rectangle.any(0)
        assert 2 <= int(rows.sum()) <= 4
        missing = rows[:, None] & columns[None] & ~rectangle
        assert int(missing.sum()) <= 1  # the pixel that already was the mean


def test_nothing_mixed_unless_asked() -> None:
    images, targets = torch.rand(4, 1, 8, 8), torch.eye(4)
    same, kept = mix(images, targets, Augment(), draw())
    assert same is images
    assert kept is targets


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_targets_follow_the_shares_of_the_images(kind: str) -> None:
    # Image i holds the number i everywhere, so its mean says what share of which image it is made of.
    images = torch.arange(16.0).view(16, 1, 1, 1).expand(16, 1, 8, 8)
    for seed in range(5):
        mixed, targets = mix(images, torch.eye(16), Augment(**{kind: 1.0}), draw(seed))
        torch.testing.assert_close(targets.sum(1), torch.ones(16))
        torch.testing.assert_close(mixed.mean((1, 2, 3)), targets @ torch.arange(16.0), rtol=1e-4, atol=1e-4)
        assert (targets > 0).sum(1).max() <= 2


def test_cutmix_pastes_and_mixup_blends() -> None:
    images = torch.arange(16.0).view(16, 1, 1, 1).expand(16, 1, 8, 8)
    pasted, _ = mix(images, torch.eye(16), Augment(cutmix=1.0), draw(1))
    assert set(pasted.unique().tolist()) <= set(range(16))
    blended, _ = mix(images, torch.eye(16), Augment(mixup=1.0), draw(1))
    assert not set(blended.unique().tolist()) <= set(range(16))


def test_a_random_part_keeps_its_least_area() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    generator = draw()
    parts = [part(image, 0.25, generator) for _ in range(200)]
    areas = [piece.shape[0] * piece.shape[1] / (60 * 80) for piece in parts]
    assert min(areas) > 0.23
    assert max(areas) > 0.9
    assert all(0.7 < piece.shape[1] / piece.shape[0] < 1.45 for piece in parts)
