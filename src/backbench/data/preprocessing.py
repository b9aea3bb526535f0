"""From a decoded image to a network's input, with every choice pinned: the record carries this object.

Pillow and NumPy only, the same code for training's evaluation, the gate, accuracy and the end-to-end boundary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from backbench.data.dataset import Dataset
from backbench.errors import UsageError

Side = Annotated[int, Field(ge=1)]


class Preprocessing(BaseModel):
    """Resize (shorter side to size ÷ crop), centre crop, scale to 0…1, subtract the mean, divide by the deviation.

    `mode="squash"` resizes both sides to `size` at once. An image that already has `size` is not resampled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: tuple[Side, Side]  # height, width
    channels: Annotated[int, Field(ge=1)] = 3
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0
    mode: Literal["crop", "squash"] = "crop"

    def __call__(self, images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 images (height × width × channels each) as one float32 batch N × C × H × W."""
        sized = self.pixels(images)
        scaled = sized.astype(np.float32) / np.float32(255)
        normal = (scaled - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(0, 3, 1, 2), dtype=np.float32)

    def pixels(self, images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The images at the network's size and channels, still uint8: N × H × W × C."""
        return np.stack([self._sized(image) for image in images])

    def _sized(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = with_channels(image, self.channels)
        height, width = self.size
        if image.shape[:2] == (height, width):
            return image
        picture = Image.fromarray(image.squeeze(-1) if self.channels == 1 else image)
        method = Image.Resampling[self.interpolation.upper()]
        if self.mode == "squash":
            return as_array(picture.resize((width, height), method))
        scale = max(height / picture.height, width / picture.width) / self.crop
        picture = picture.resize(
            (max(width, round(picture.width * scale)), max(height, round(picture.height * scale))), method
        )
        left, top = (picture.width - width) // 2, (picture.height - height) // 2
        return as_array(picture.crop((left, top, left + width, top + height)))


def with_channels(image: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Grey repeated to three channels, or colour turned to grey by Pillow's luma; else as it is."""
    have = image.shape[-1]
    if have == channels:
        return image
    if have == 1:
        return np.repeat(image, channels, axis=-1)
    return as_array(Image.fromarray(image[..., :3]).convert("L"))


def as_array(picture: Image.Image) -> NDArray[np.uint8]:
    array = np.asarray(picture, dtype=np.uint8)
    return array[..., None] if array.ndim == 2 else array


def native_preprocessing(dataset: Dataset) -> Preprocessing:
    """What a network that is trained on this dataset gets: its own size, and mean and deviation of its train part."""
    if dataset.size is None:
        raise UsageError(f"{dataset.name}: its images have different sizes; say one with --input, e.g. 1x3x224x224")
    return Preprocessing(
        size=dataset.size,
        channels=dataset.channels,
        mean=dataset.mean,
        std=tuple(deviation or 1.0 for deviation in dataset.std),  # a constant channel is left unscaled
    )
