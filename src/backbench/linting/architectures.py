"""Well-known networks by the names that people write, with their parameters and MACs.

The numbers come from `architectures.json`, which `benchmarks/known_architectures.py` counts with timm, torchvision and
torch's FLOP counter. A name is known only where nothing is left over: "ResNet-50" is, "ResNet-50 + ours" is not.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from backbench.linting.words import without_technique

SIZES = {"t": "tiny", "ti": "tiny", "s": "small", "b": "base", "l": "large", "h": "huge"}
SIZED = r"(?P<size>tiny|small|base|large|ti|t|s|b|l)"
# How people write the names (lower case, letters and digits only) → timm's names; {…} are the pattern's groups.
SPELLINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"resnet(?P<n>18|34|50|101|152)(v1|v15)?", ("resnet{n}",)),
    (r"resnext50(32x4d)?", ("resnext50_32x4d",)),
    (r"resnext101(32x8d)", ("resnext101_32x8d",)),
    (r"(wideresnet|wrn)(?P<n>50|101)2", ("wide_resnet{n}_2",)),
    (r"(se|seresnet)50", ("seresnet50",)),
    (r"vgg(?P<n>11|13|16|19)", ("vgg{n}", "vgg{n}_bn")),
    (r"vgg(?P<n>11|13|16|19)bn", ("vgg{n}_bn",)),
    (r"densenet(?P<n>121|161|169|201)", ("densenet{n}",)),
    (r"mobilenet(v1)?(10|100)?", ("mobilenetv1_100",)),
    (r"mobilenetv2(10|100|10x|x10)?", ("mobilenetv2_100",)),
    (r"mobilenetv3(?P<n>small|large)(10|100)?", ("mobilenetv3_{n}_100",)),
    (r"mobilenetv3", ("mobilenetv3_small_100", "mobilenetv3_large_100")),
    (r"efficientnetb(?P<n>[0-4])", ("efficientnet_b{n}",)),
    (r"efficientnetv2(?P<n>[sml])", ("torchvision:efficientnet_v2_{n}",)),
    (rf"convnext(?P<v>v2)?{SIZED}", ("convnext{v}_{size}",)),
    (r"convnext", ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large")),
    (rf"(?P<n>vit|deit|beit){SIZED}(patch)?(?P<patch>8|16|32)?(224)?", ("{n}_{size}_patch{patch}_224",)),
    (r"(vit|visiontransformers?|visiontransformersvit)", (
        "vit_base_patch16_224", "vit_base_patch32_224", "vit_tiny_patch16_224", "vit_small_patch16_224",
        "vit_small_patch32_224", "vit_large_patch16_224", "vit_large_patch32_224", "vit_base_patch8_224",
    )),
    (r"deit", ("deit_tiny_patch16_224", "deit_small_patch16_224", "deit_base_patch16_224")),
    (rf"dinov2(vit)?{SIZED}(patch)?(14)?", ("vit_{size}_patch14_dinov2",)),
    (r"dinov2", ("vit_base_patch14_dinov2", "vit_small_patch14_dinov2", "vit_large_patch14_dinov2")),
    (rf"swin(transformer)?{SIZED}", ("swin_{size}_patch4_window7_224",)),
    (r"xception", ("legacy_xception",)),
    (r"inceptionv(?P<n>[34])", ("inception_v{n}",)),
    (r"(googlenet|inceptionv1)", ("torchvision:googlenet",)),
    (r"alexnet", ("torchvision:alexnet",)),
    (r"squeezenet(1(?P<n>[01]))", ("torchvision:squeezenet1_{n}",)),
    (r"shufflenetv2(x?(?P<a>[012])(?P<b>[05])x?)", ("torchvision:shufflenet_v2_x{a}_{b}",)),
    (r"mnasnet(10|100)", ("mnasnet_100",)),
    (r"ghostnet(10|100)?", ("ghostnet_100",)),
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """MACs of one image: all, those inside of attention, and those of attention's two products."""

    macs: int
    attention: int
    products: int


@dataclass(frozen=True)
class Architecture:
    """`parameters` with the head of 1,000 classes, `headless` without; `at`: input size → cost."""

    name: str
    parameters: int
    headless: int
    at: dict[int, Cost]

    @property
    def usual(self) -> Cost:
        """At 224 × 224."""
        return self.at[224]

    def holds(self, count: float, slack: float = 0.015) -> bool:
        """Whether it has so many parameters, with some head."""
        return self.headless * (1 - slack) <= count <= self.parameters * (1 + slack)

    def __hash__(self) -> int:
        return hash(self.name)


@cache
def known() -> dict[str, Architecture]:
    text = resources.files("backbench.linting").joinpath("architectures.json").read_text(encoding="utf-8")
    found = {}
    for item in json.loads(text)["networks"]:
        at = {int(size): Cost(**cost) for size, cost in item["at"].items()}
        found[item["name"]] = Architecture(item["name"], item["parameters"], item["headless"], at)
    return found


@cache
def identify(label: str) -> tuple[Architecture, ...]:
    """The networks that this text may name, none where something is left over; the likeliest first."""
    text = re.sub(r"^\s*\d+[.)]\s+", "", label.strip())
    exact = known().get(text.lower().partition(".")[0])
    if exact:
        return (exact,)
    bare = without_technique(text)
    outside = re.sub(r"[(\[][^)\]]*[)\]]", " ", bare)
    return next((found for written in (bare, outside) if (found := spelled(written))), ())


def spelled(text: str) -> tuple[Architecture, ...]:
    name = re.sub(r"[^a-z0-9]", "", text.lower())
    if not name or len(name) > 40:
        return ()
    for pattern, templates in SPELLINGS:
        found = re.fullmatch(pattern, name)
        if found:
            groups = {key: value or "" for key, value in found.groupdict().items()}
            groups["size"] = SIZES.get(groups.get("size", ""), groups.get("size", ""))
            groups["patch"] = groups.get("patch") or "16"
            names = (template.format(**groups) for template in templates)
            return tuple(known()[wanted] for wanted in names if wanted in known())
    return ()


def nearest(count: float, hints: tuple[Architecture, ...]) -> Architecture | None:
    """Of the networks with so many parameters, the one that the hints' families name; None where there is none."""
    families = {family_of(hint.name) for hint in hints}
    fitting = [one for one in known().values() if one.holds(count) and family_of(one.name) in families]
    return min(fitting, key=lambda one: abs(one.parameters - count), default=None)


def family_of(name: str) -> str:
    """resnet50 → resnet; vit_base_patch14_dinov2 → dinov2."""
    if "dinov2" in name:
        return "dinov2"
    return re.split(r"[\d_]", name.removeprefix("torchvision:").removeprefix("legacy_"))[0]
