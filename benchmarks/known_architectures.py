"""Writes src/backbench/linting/architectures.json: what well-known networks hold and cost, for `backbench lint`.

    python benchmarks/known_architectures.py

Nothing there is typed by hand. Each network is built by timm or torchvision on the meta device (no weights, no
arithmetic), its parameters are counted, and one image goes through under `torch.utils.flop_counter`, whose FLOPs are
halved: 1 MAC = 2 FLOPs. Three counts at each input size, because counters that are in use leave parts out:

    macs        everything
    attention   what happens inside of the attention modules (counters by hooks on nn.MultiheadAttention see none of it)
    products    the two matrix products of attention alone (counters by hooks on nn.Linear don't see those)

`headless` are the parameters without the classifier: the head of 1,000 classes is exchanged in most uses.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

TARGET = Path(__file__).parent.parent / "src" / "backbench" / "linting" / "architectures.json"
NATIVE = {  # where a network's own size is not 224
    "efficientnet_b1": 240, "efficientnet_b2": 260, "efficientnet_b3": 300, "efficientnet_b4": 380,
    "legacy_xception": 299, "inception_v3": 299, "inception_v4": 299, "inception_resnet_v2": 299, "mobilevit_s": 256,
    "vit_small_patch14_dinov2": 518, "vit_base_patch14_dinov2": 518, "vit_large_patch14_dinov2": 518,
    "mobilenetv4_conv_medium": 256, "mobilenetv4_conv_large": 384, "torchvision:efficientnet_v2_s": 384,
    "torchvision:efficientnet_v2_m": 480, "torchvision:efficientnet_v2_l": 480,
}  # fmt: skip
NAMES = """
resnet18 resnet34 resnet50 resnet101 resnet152 resnet26 resnet50d resnext50_32x4d resnext101_32x8d wide_resnet50_2
wide_resnet101_2 seresnet50 resnetv2_50 vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn vgg19_bn densenet121
densenet161 densenet169 densenet201 mobilenetv1_100 mobilenetv2_050 mobilenetv2_100 mobilenetv2_140
mobilenetv3_small_100 mobilenetv3_large_100 mobilenetv4_conv_small mobilenetv4_conv_medium mobilenetv4_conv_large
efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_lite0 mnasnet_100
ghostnet_100 regnetx_002 regnetx_004 regnetx_008 regnetx_016 regnetx_032 regnetx_080 regnety_002 regnety_004
regnety_008 regnety_016 regnety_032 regnety_080 regnety_160 convnext_tiny convnext_small convnext_base convnext_large
convnextv2_tiny convnextv2_base vit_tiny_patch16_224 vit_small_patch16_224 vit_small_patch32_224 vit_base_patch16_224
vit_base_patch32_224 vit_large_patch16_224 vit_large_patch32_224 vit_base_patch8_224 deit_tiny_patch16_224
deit_small_patch16_224 deit_base_patch16_224 vit_small_patch14_dinov2 vit_base_patch14_dinov2 vit_large_patch14_dinov2
beit_base_patch16_224 swin_tiny_patch4_window7_224 swin_small_patch4_window7_224 swin_base_patch4_window7_224
swin_large_patch4_window7_224 mixer_b16_224 mobilevit_s poolformer_s12 efficientformer_l1 levit_256 legacy_xception
inception_v3 inception_v4 inception_resnet_v2
torchvision:alexnet torchvision:googlenet torchvision:squeezenet1_0 torchvision:squeezenet1_1
torchvision:shufflenet_v2_x0_5 torchvision:shufflenet_v2_x1_0 torchvision:shufflenet_v2_x2_0
torchvision:efficientnet_v2_s torchvision:efficientnet_v2_m torchvision:efficientnet_v2_l
"""


def build(name: str, size: int, classes: int = 1000) -> nn.Module:
    """On the meta device; networks of a fixed input size are built for `size`."""
    with torch.device("meta"):
        if name.startswith("torchvision:"):
            built: nn.Module = torchvision.models.get_model(name.partition(":")[2], weights=None, num_classes=classes)
            return built.eval()
        config = timm.models.get_pretrained_cfg(name)
        fixed = config is not None and config.fixed_input_size
        sized: dict[str, Any] = {"img_size": size} if (fixed and size != 224) or "dinov2" in name else {}
        made: nn.Module = timm.create_model(name, num_classes=classes, **sized)
        return made.eval()


def parameters(model: nn.Module) -> int:
    return sum(tensor.numel() for tensor in model.parameters())


def headless(name: str, size: int) -> int:
    """Parameters that no class adds to: those of one class and of two differ by what a class weighs."""
    one, two = (parameters(build(name, size, classes)) for classes in (1, 2))
    return one - (two - one)


def counts(model: nn.Module, size: int) -> dict[str, int]:
    """MACs of one image: all, inside attention modules, and of attention's products."""
    torch.backends.mha.set_fastpath_enabled(False)  # its one fused operator is not counted
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(torch.zeros(1, 3, size, size, device="meta"))
    found = counter.get_flop_counts()
    inside = [found[key] for key in attention_keys(model, found)]
    products = sum(flops for table in inside for operator, flops in table.items() if is_product(str(operator)))
    return {
        "macs": sum(found["Global"].values()) // 2,
        "attention": sum(sum(table.values()) for table in inside) // 2,
        "products": products // 2,
    }


def attention_keys(model: nn.Module, found: Any) -> Iterator[str]:
    """The counter's keys of the outermost attention modules."""
    taken: list[str] = []
    for path, module in model.named_modules():
        key = f"{type(model).__name__}.{path}"
        inner = any(path.startswith(f"{outer}.") for outer in taken)
        if "attention" in type(module).__name__.lower() and key in found and not inner:
            taken.append(path)
            yield key


def is_product(operator: str) -> bool:
    return "scaled_dot_product" in operator or "bmm" in operator


def entry(name: str) -> dict[str, Any]:
    native = NATIVE.get(name, 224)
    model = build(name, native)
    at = {str(size): counts(build(name, size), size) for size in sorted({224, native})}
    return {"name": name, "parameters": parameters(model), "headless": headless(name, native), "at": at}


def main() -> None:
    found = []
    for name in NAMES.split():
        found.append(entry(name))
        print(json.dumps(found[-1]), file=sys.stderr)
    made = {
        "made_by": "benchmarks/known_architectures.py",
        "timm": timm.__version__,
        "torchvision": torchvision.__version__.partition("+")[0],
        "torch": torch.__version__.partition("+")[0],
        "networks": found,
    }
    TARGET.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
