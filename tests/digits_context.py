"""The digits as a technique sees them, and small networks of every kind for them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from backbench.data import load_dataset
from backbench.models.build import build, default_preprocessing
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.techniques.technique import Context

SMALL = {
    "resnet20": "resnet20:width=8",
    "resnet20_b": "resnet20:width=8,shortcut=b",
    "vgg16_bn": "vgg16_bn_cifar:width=8",
    "mobilenetv2": "mobilenetv2_small:width=0.25",
    "vit": "vit_mini:dim=48,depth=2,heads=3",
    "convnext": "convnext_mini:width=8,depth=1",
}


def digits_context(cache: Path, **fields: object) -> Context:
    dataset = load_dataset(Choice(name="digits"), Settings(cache=cache))
    preprocessing = default_preprocessing(Choice(name="resnet20"), dataset)
    return Context(dataset, preprocessing, seed=0, settings=Settings(cache=cache), **fields)  # type: ignore[arg-type]


def network(text: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(Choice.parse(text), num_classes=10, in_channels=1, input_size=(8, 8))


def images(count: int = 4) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(0))
