"""Random pixels at any size, for pure timing: there is nothing to learn, and an accuracy on it is chance.

Pixels are uniform over 0…255, so mean and deviation are known: 127.5 and √((256² − 1) / 12), over 255. Each image
is made when it is read, from the seed and its place, so that any size and number fits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from backbench.data.dataset import Dataset, DatasetSource, Split
from backbench.spec.cell import canonical, digest

Count = Annotated[int, Field(ge=1, le=10_000_000)]


def read_size(value: object) -> object:
    """`224` and `224x224` are the same size: HEIGHTxWIDTH."""
    text = str(value)
    if not re.fullmatch(r"[1-9]\d{0,4}(x[1-9]\d{0,4})?", text):
        raise ValueError("a size is a number of pixels, or HEIGHTxWIDTH, e.g. 224 or 500x334")
    return text if "x" in text else f"{text}x{text}"


class Random(DatasetSource):
    """Noise, for timing alone: `random:size=224,channels=3,classes=1000,n=512,seed=0`; each part holds n images."""

    size: Annotated[str, BeforeValidator(read_size)] = "224x224"
    channels: Annotated[int, Field(ge=1, le=3)] = 3
    classes: Count = 1000
    n: Count = 512
    seed: Annotated[int, Field(ge=0)] = 0

    def load(self, root: Path, *, download: bool = False) -> Dataset:
        height, width = map(int, self.size.split("x"))
        shape = (height, width, self.channels)
        deviation = math.sqrt((256**2 - 1) / 12) / 255
        train, validation, test = (self.part(place, shape) for place in range(3))
        return Dataset(
            name="random",
            title=f"random {self.size}",
            classes=tuple(map(str, range(self.classes))),
            train=train,
            validation=validation,
            test=test,
            channels=self.channels,
            size=(height, width),
            mean=(0.5,) * self.channels,
            std=(round(deviation, 6),) * self.channels,
            checksum=digest({"random": 1, **self.model_dump()}, length=64),  # of what the pixels are made from
            encoding="raw",
            provenance={"layout": canonical(self.model_dump()), "orientation": "none", "images": self.n},
        )

    def part(self, place: int, shape: tuple[int, int, int]) -> Split:
        labels = np.arange(self.n, dtype=np.int64) % self.classes
        return Split(RandomImages(self.n, shape, (self.seed, place)), labels)


@dataclass(frozen=True)
class RandomImages:
    """`n` images made when read: equal seeds, equal pixels."""

    n: int
    shape: tuple[int, int, int]
    seed: tuple[int, int]

    def __len__(self) -> int:
        return self.n

    def read(self, indices: Sequence[int] | NDArray[np.int64]) -> list[NDArray[np.uint8]]:
        return [self.one(int(index)) for index in indices]

    def array(self) -> NDArray[np.uint8]:
        return np.stack(self.read(range(self.n)))

    def encoded(self, index: int) -> bytes | None:
        return None

    def one(self, index: int) -> NDArray[np.uint8]:
        if not 0 <= index < self.n:
            raise IndexError(index)
        generator = np.random.Generator(np.random.PCG64([*self.seed, index]))
        return generator.integers(0, 256, self.shape, dtype=np.uint8)
