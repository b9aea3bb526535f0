"""A small vision transformer (Dosovitskiy et al. 2020) for small images: mean over patches instead of a class token.

The patch follows from the image: 2 for 8×8, 4 for 28×28 and 32×32. With its defaults 2.7 M parameters at 32×32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from backbench.models.family import Family
from backbench.models.patches import patch_for

if TYPE_CHECKING:
    from torch import nn


class ViTMini(Family):
    """A small vision transformer: 2,693,194 parameters, 180 M MACs at 32×32.

    `patch` in pixels (none: by the image's size); `dim` is a multiple of `heads`; `mlp` × `dim` units are hidden.
    """

    patch: Annotated[int, Field(ge=1, le=64)] | None = None
    dim: Annotated[int, Field(ge=1, le=2048)] = 192
    depth: Annotated[int, Field(ge=1, le=64)] = 6
    heads: Annotated[int, Field(ge=1, le=64)] = 3
    mlp: Annotated[float, Field(gt=0, le=16)] = 4.0

    @model_validator(mode="after")
    def _heads_divide(self) -> ViTMini:
        if self.dim % self.heads:
            raise ValueError(f"dim={self.dim} must be a multiple of heads={self.heads}")
        return self

    def build(self, num_classes: int, in_channels: int, input_size: tuple[int, int]) -> nn.Module:
        from backbench.models.networks.vit import ViT

        patch = patch_for(input_size, self.patch, across=8, least=2)
        grid = (input_size[0] // patch, input_size[1] // patch)
        return ViT(grid, patch, self.dim, self.depth, self.heads, self.mlp, in_channels, num_classes)
