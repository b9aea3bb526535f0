"""Accuracy of a module on a part of the dataset: evaluation mode, no gradients, the training's own precision."""

from __future__ import annotations

import torch
from torch import nn

from backbench.training.batches import Pixels

PIXELS = 500 * 32 * 32  # pixels in a batch: 500 images of CIFAR-10, 10 of ImageNet


@torch.inference_mode()
def accuracy(model: nn.Module, pixels: Pixels, *, bf16: bool = False, device: str = "cpu") -> float:
    """Share of right arg-maxes, 0…1; the module's mode is as before afterwards."""
    was_training = model.training
    model.eval()
    height, width = pixels.size
    batch = max(1, PIXELS // (height * width))
    right = 0
    with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=bf16):
        for places in torch.arange(len(pixels)).split(batch):
            scores = model(pixels.normal(pixels[places]).to(device))
            right += int((scores.argmax(1).cpu() == pixels.labels[places]).sum())
    model.train(was_training)
    return right / len(pixels)
