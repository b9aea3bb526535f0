"""The networks that lint knows: counted by the program that its file names, and found by the names that people write."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from backbench.linting.architectures import identify, known
from backbench.linting.words import families_in, stem, technique_of


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("ResNet-50", "resnet50"),
        ("1. ResNet-34", "resnet34"),
        ("ResNet50 Quantized", "resnet50"),
        ("resnet50.a1_in1k", "resnet50"),
        ("ResNet50 v1.5", "resnet50"),
        ("VGG-16", "vgg16"),
        ("VGG16-BN", "vgg16_bn"),
        ("MobileNet-V2", "mobilenetv2_100"),
        ("MobileNetv2", "mobilenetv2_100"),
        ("EfficientNet B0", "efficientnet_b0"),
        ("ConvNeXt-T", "convnext_tiny"),
        ("ConvNeXt-Base", "convnext_base"),
        ("ViT-B/16 (Timm)", "vit_base_patch16_224"),
        ("ViT_B/32", "vit_base_patch32_224"),
        ("ViT", "vit_base_patch16_224"),
        ("DeiT-Ti [46]", "deit_tiny_patch16_224"),
        ("DinoV2", "vit_base_patch14_dinov2"),
        ("Swin-S", "swin_small_patch4_window7_224"),
        ("Densenet 121", "densenet121"),
        ("Xception", "legacy_xception"),
        ("torchvision:alexnet", "torchvision:alexnet"),
    ],
)
def test_names(label: str, name: str) -> None:
    assert identify(label)[0].name == name


@pytest.mark.parametrize(
    "label", ["", "ResNet-50 + ours", "SE-ResNet-50-D", "ResNet", "MobileNetV2 0.5x", "a", "ONNX", "x" * 500]
)
def test_what_is_not_known(label: str) -> None:
    assert identify(label) == ()


def test_the_counts_that_everybody_knows() -> None:
    """The parameters of torchvision's and timm's tables, exactly; MACs as torch counts them."""
    exact = {"resnet50": 25_557_032, "vgg16": 138_357_544, "mobilenetv2_100": 3_504_872, "convnext_base": 88_591_464}
    assert {name: known()[name].parameters for name in exact} == exact
    vit = known()["vit_base_patch16_224"].usual
    assert vit.macs == pytest.approx(17.56e9, rel=0.002)
    assert vit.macs - vit.attention == pytest.approx(11.28e9, rel=0.005)
    assert known()["deit_tiny_patch16_224"].usual.products == 2 * 12 * 197**2 * 192
    assert known()["resnet50"].headless == 25_557_032 - 2048 * 1000 - 1000
    assert known()["inception_v3"].at.keys() == {224, 299}


def test_the_file_says_how_it_was_made() -> None:
    made = json.loads(resources.files("backbench.linting").joinpath("architectures.json").read_text())
    assert made["made_by"] == "benchmarks/known_architectures.py"
    assert {"timm", "torch", "torchvision", "networks"} <= made.keys()
    assert len(made["networks"]) == len(known()) > 80
    for one in known().values():
        assert 0 < one.headless <= one.parameters
        assert all(cost.products <= cost.attention < cost.macs for cost in one.at.values())


@pytest.mark.parametrize(
    ("text", "technique"),
    [
        ("ResNet50 Quantized", "quantized"), ("quantize_static:calibration=512", "quantized"), ("INT8", "quantized"),
        ("efficientnet_es_pruned", "pruned"), ("Unstructured pruning (threshold=0.3)", "pruned"),
        ("Original (not pruned)", "none"), ("baseline", "none"), ("ResNet-50", None), ("fp32", None),
    ],
)  # fmt: skip
def test_techniques(text: str, technique: str | None) -> None:
    assert technique_of(text) == technique


def test_a_compressed_name_has_the_stem_of_its_network() -> None:
    assert stem("ResNet50 Quantized") == stem("ResNet50")
    assert stem("resnet20:width=8 quantize_static:calibration=512 onnxruntime") == stem(
        "resnet20:width=8 none onnxruntime"
    )
    assert stem("efficientnet_es_pruned") == stem("efficientnet_es") != stem("efficientnet_b0")


def test_families() -> None:
    assert families_in("w/MobileNetV2/mobilenet_v2.pt") == {"mobilenet"}
    assert families_in("DinoV2 and DeiT of a ViT") == {"dinov2", "deit"}
    assert families_in("activity") == set()
