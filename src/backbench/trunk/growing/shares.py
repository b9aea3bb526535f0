"""What a network makes of a part of the dataset: softmax shares, in evaluation mode."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from backbench.training.batches import Pixels
from backbench.training.evaluate import PIXELS


@torch.inference_mode()
def scores_of(model: nn.Module, pixels: Pixels, device: str = "cpu") -> NDArray[np.float32]:
    """N × outputs, in the part's order."""
    model.eval().to(device)
    batch = max(1, PIXELS // (pixels.size[0] * pixels.size[1]))
    parts = [
        model(pixels.normal(pixels[places]).to(device)).float().cpu()
        for places in torch.arange(len(pixels)).split(batch)
    ]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


def shares_of(model: nn.Module, pixels: Pixels, device: str = "cpu") -> NDArray[np.float64]:
    """Softmax of the scores; rows sum to one."""
    scores = scores_of(model, pixels, device).astype(np.float64)
    scores = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(scores / scores.sum(1, keepdims=True))
