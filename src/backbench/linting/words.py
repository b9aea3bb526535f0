"""Words that say what a row, a caption or a sentence is about: techniques, devices, datasets, families of networks."""

from __future__ import annotations

import re
from typing import Literal

Technique = Literal["quantized", "pruned", "none"]

QUANTIZED = r"\bquanti[sz]\w*|\bint[ -]?8\b|\bint[ -]?4\b|\bqat\b|\bptq\b|\bw8a8\b|\bu8s8\b|\b8-?bits?\b|\bqdq\b"
PRUNED = r"\bprun\w*|\bsparse\b|\bunstruct\w*|\bstruc[ut]+[ur]\w* prun\w*"
UNTOUCHED = (
    r"\bunprun\w*|\bnot prun\w*|\bnon-?prun\w*|\bwithout prun\w*|\bbefore prun\w*|\bun-?quanti\w*|\bnot quanti\w*|"
    r"\bbefore quanti\w*|\boriginals?\b|\bbase ?lines?\b|\buncompressed\b|\bdense model"
)
NEUTRAL = (
    r"\b(none|fp ?-?(32|16)|bf16|float(32|16)?|full precision|default|pre-?trained|weights?|models?|the|network|"
    r"aware|training|static|dynamic|post|channels?|filters?|global|local|structured|l[12n]|magnitude|technique|"
    r"inferencing|inference|applied|eager|pytorch|torchvision|timm|keras|onnx ?runtime|onnx|openvino|torchscript|"
    r"tensorrt|cpu|gpu|imagenet([ -]?1k)?)\b"
)
SMALL_IMAGES = r"cifar|svhn|mnist|digits|tiny[ -]?imagenet|stl-?10|32 ?[x×] ?32"
FAMILIES = (
    "dinov2", "deit", "mobilenet", "efficientnet", "convnext", "densenet", "shufflenet", "squeezenet", "resnext",
    "resnet", "regnet", "vgg", "swin", "inception", "xception", "alexnet", "googlenet", "mnasnet", "ghostnet",
)  # fmt: skip


def technique_of(text: str) -> Technique | None:
    """What was done, as this text says; "none" where it says that nothing was; None where it says nothing."""
    words = spaced(text)
    if re.search(UNTOUCHED, words):
        return "none"
    if re.search(QUANTIZED, words):
        return "quantized"
    return "pruned" if re.search(PRUNED, words) else None


def spaced(text: str) -> str:
    """Lower case; what programs write together stands apart."""
    return " ".join(text.replace("_", " ").lower().split())


def without_technique(text: str) -> str:
    """The name without what was done to it, and without words that name no network."""
    words = spaced(text)
    for pattern in (UNTOUCHED, QUANTIZED, PRUNED, NEUTRAL):
        words = re.sub(pattern, " ", words)
    return " ".join(words.split())


def stem(text: str) -> str:
    """What is equal for a network and its compressed form: the words without the technique's."""
    words = re.sub(rf"({QUANTIZED}|{PRUNED})( \w+)?:\S+", " ", spaced(text))  # with options: quantize_static:n=512
    for pattern in (UNTOUCHED, QUANTIZED, PRUNED, r"\b(none|fp ?-?32|float32|aware|training|static|dynamic)\b"):
        words = re.sub(pattern, " ", words)
    return re.sub(r"[^a-z0-9]", "", words)


def families_in(text: str) -> set[str]:
    """Families that the text names, `vit` aside: others are vision transformers too."""
    return set(re.findall("|".join(FAMILIES), re.sub(r"[-_ %0-9]*(?=v2)", "", text.lower())))
