"""Batches of a dataset part as tensors: a small dataset is one uint8 tensor, larger ones are decoded batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backbench.data.dataset import Split
from backbench.data.preprocessing import Preprocessing
from backbench.errors import DataError

WHOLE = 2_000_000_000  # bytes of decoded pixels that are held at once


class Pixels:
    """Images of one part, uint8 N × H × W × C at the network's size, by their places.

    `resized_crop` reads each image anew as a random part of at least this share of its area, at the network's size.
    """

    def __init__(self, split: Split, preprocessing: Preprocessing, *, resized_crop: float | None = None) -> None:
        if not len(split):
            raise DataError("the part of the dataset that training needs holds no images")
        self.labels = torch.from_numpy(np.asarray(split.labels, np.int64).copy())
        self._split, self._preprocessing = split, preprocessing
        self.size, self._least = preprocessing.size, resized_crop
        small = len(split) * self.size[0] * self.size[1] * preprocessing.channels <= WHOLE
        self._whole = self._decode(np.arange(len(split))) if small and resized_crop is None else None
        self._mean = torch.tensor(preprocessing.mean) * 255
        self._scale = 1 / (torch.tensor(preprocessing.std) * 255)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, places: Tensor) -> Tensor:
        return self._whole[places] if self._whole is not None else self._decode(places.numpy())

    def draw(self, places: Tensor, generator: torch.Generator) -> Tensor:
        """The images for one training step: as they are, or a random part of each."""
        if self._least is None:
            return self[places]
        images = self._split.images.read(places.numpy())
        parts = [part(image, self._least, generator) for image in images]
        squash = self._preprocessing.model_copy(update={"mode": "squash"})
        return torch.from_numpy(squash.pixels(parts))

    def normal(self, images: Tensor) -> Tensor:
        """uint8 N × H × W × C as the network's float32 input, N × C × H × W, channels last in memory as they were."""
        return ((images.float() - self._mean) * self._scale).permute(0, 3, 1, 2)

    def _decode(self, places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Tensor:
        return torch.from_numpy(self._preprocessing.pixels(self._split.images.read(places)))


def part(image: np.ndarray[Any, np.dtype[np.uint8]], least: float, generator: torch.Generator) -> Any:
    """A random part of an H × W × C image: `least` to all of its area, sides 3:4 to 4:3 (Szegedy 2014, section 6)."""
    height, width = image.shape[:2]
    share, stretch, down, right = torch.rand(4, generator=generator).tolist()
    area = height * width * (least + (1 - least) * share)
    ratio = (3 / 4) ** (1 - 2 * stretch)
    tall = min(height, max(1, round((area / ratio) ** 0.5)))
    wide = min(width, max(1, round((area * ratio) ** 0.5)))
    top, left = int(down * (height - tall + 1)), int(right * (width - wide + 1))
    return image[top : top + tall, left : left + wide]


def shuffled(n: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Places of an epoch in random order; a last batch of under half the size is left out (its statistics are poor)."""
    for places in torch.randperm(n, generator=generator).split(batch):
        if len(places) * 2 >= min(batch, n):
            yield places


def steps_of(n: int, batch: int) -> int:
    """How many batches `shuffled` gives."""
    whole, rest = divmod(n, batch)
    return whole + (rest * 2 >= min(batch, n))
