"""Augmentation of whole batches: shift, mirror, erase on uint8 images N × H × W × C; mixing on the normalised batch.

Shift and mirror are one gather with a row and a column index per image, so that a batch costs one pass. Mirroring
alternates: a coin per image decides the first epoch, then every epoch turns it (Jordan, "94 % on CIFAR-10 in 3.29
seconds", 2024, section 3.6), so that two epochs see both forms of every image. Every draw comes from the given generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backbench.training.recipe import Augment

if TYPE_CHECKING:
    from torch import Generator, Tensor


def geometry(images: Tensor, mirror: Tensor, augment: Augment, draw: Generator, window: float = 1.0) -> Tensor:
    """The batch, shifted by up to `augment.crop` pixels and mirrored where `mirror` (N, bool) holds.

    With a `window` under 1, a random part of each image with this share of its height and width.
    """
    import torch

    n, height, width, _ = images.shape
    rows, row_inside = shifted(n, height, round(height * window), augment, draw)
    columns, column_inside = shifted(n, width, round(width * window), augment, draw)
    mirror = mirror[:, None]
    columns = torch.where(mirror, columns.flip(1), columns)
    column_inside = torch.where(mirror, column_inside.flip(1), column_inside)
    rows, columns = rows.to(images.device), columns.to(images.device)
    every = torch.arange(n, device=images.device)[:, None, None]
    moved = images[every, rows[:, :, None], columns[:, None, :]]
    if augment.crop == 0 or augment.padding == "reflect":
        return moved
    inside = row_inside[:, :, None, None] & column_inside[:, None, :, None]
    return moved * inside.to(images.device)


def shifted(n: int, side: int, length: int, augment: Augment, draw: Generator) -> tuple[Tensor, Tensor]:
    """For each image the source index of `length` places in a row, and whether each lies inside the `side` pixels."""
    import torch

    shift = torch.randint(-augment.crop, side - length + augment.crop + 1, (n, 1), generator=draw)
    place = torch.arange(length) + shift
    inside = (place >= 0) & (place < side)
    reflected = (side - 1) - ((side - 1) - place.abs()).abs()
    return reflected.clamp(0, side - 1), inside


def erase(images: Tensor, probability: float, draw: Generator) -> Tensor:
    """Sets a rectangle of a quarter to a half of each side to the batch's mean colour, in a share of the images."""
    import torch

    if probability == 0:
        return images
    n, height, width, _ = images.shape
    hit = torch.rand(n, generator=draw) < probability
    inside = span(n, height, draw)[:, :, None] & span(n, width, draw)[:, None, :] & hit[:, None, None]
    mean = images.float().mean(dim=(0, 1, 2)).to(images.dtype)
    return torch.where(inside[..., None].to(images.device), mean, images)


def span(n: int, side: int, draw: Generator) -> Tensor:
    """For each image a random run of places, N × side, true inside it."""
    import torch

    length = (side * (0.25 + 0.25 * torch.rand(n, 1, generator=draw))).round().clamp(1, side)
    start = (torch.rand(n, 1, generator=draw) * (side - length + 1)).floor()
    place = torch.arange(side)
    return (place >= start) & (place < start + length)


def mix(batch: Tensor, targets: Tensor, augment: Augment, draw: Generator) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang 2018) or CutMix (Yun 2019) of the batch with itself reversed in random order.

    `batch` N × C × H × W, `targets` N × classes (probabilities); both come back in the same shapes.
    """
    import torch

    kinds = [kind for kind in ("mixup", "cutmix") if getattr(augment, kind) > 0]
    if not kinds:
        return batch, targets
    kind = kinds[int(torch.randint(len(kinds), (1,), generator=draw))]
    share = beta(getattr(augment, kind), draw)
    other = torch.randperm(len(batch), generator=draw).to(batch.device)
    if kind == "cutmix":
        batch, share = paste(batch, batch[other], share, draw)
    else:
        batch = batch.lerp(batch[other], 1 - share)
    return batch, targets.lerp(targets[other], 1 - share)


def beta(alpha: float, draw: Generator) -> float:
    """One draw of Beta(alpha, alpha), seeded from the generator."""
    import numpy as np
    import torch

    seed = int(torch.randint(2**31, (1,), generator=draw))
    return float(np.random.default_rng(seed).beta(alpha, alpha))


def paste(batch: Tensor, other: Tensor, share: float, draw: Generator) -> tuple[Tensor, float]:
    """One rectangle of area 1 − share of `other` pasted into `batch`; the share that is really left."""
    import torch

    height, width = batch.shape[-2:]
    side = (1 - share) ** 0.5
    tall, wide = round(height * side), round(width * side)
    top = int(torch.randint(height - tall + 1, (1,), generator=draw))
    left = int(torch.randint(width - wide + 1, (1,), generator=draw))
    batch = batch.clone()
    batch[..., top : top + tall, left : left + wide] = other[..., top : top + tall, left : left + wide]
    return batch, 1 - tall * wide / (height * width)
