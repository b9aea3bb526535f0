"""The networks of the study of pruning after training are the published ones, to the last parameter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backbench.models.build import build
from backbench.spec.choice import Choice
from backbench.spec.study import read_study

STUDY = read_study(Path(__file__).parent.parent / "studies" / "pruning_after_training.yaml")
PUBLISHED = {
    "convnext_large": 196_245_706,
    "efficientnet_b4": 17_566_546,
    "swin_large_patch4_window7_224": 195_010_846,
    "vit_large_patch16_224": 303_311_882,
    "mobilenetv4_conv_large": 31_322_674,
    "resnet152d": 58_183_530,
    "resnext101_32x8d": 86_762_826,
}


def test_the_study_holds_the_published_networks() -> None:
    assert STUDY.axes["model"] == list(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_network_has_its_published_parameters(name: str) -> None:
    with torch.device("meta"):
        model = build(Choice(name=name), num_classes=10, in_channels=3, input_size=(224, 224))
    assert sum(weight.numel() for weight in model.parameters()) == PUBLISHED[name]
