"""timm's networks by name, with or without a tag, and networks on the Hugging Face hub that timm can build."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.errors import UnknownName, UsageError, WeightsError
from backbench.models import REGISTRY
from backbench.models.installed import require_installed, timm_names, timm_tags, torchvision_names
from backbench.models.source import Source, first_line, refuse_reserved
from backbench.spec.choice import Choice

if TYPE_CHECKING:
    from torch import nn

RESERVED = ("num_classes", "in_chans", "pretrained")  # the dataset and the cell's weights say these
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")


class Timm(Source):
    """`resnet50`, `resnet50.a1_in1k`, …"""

    def check(self, choice: Choice) -> None:
        check_name(choice.name)
        refuse_reserved(choice, RESERVED)
        if choice.options:  # only the constructor knows its options
            build_on_meta(choice)

    def build(
        self, choice: Choice, num_classes: int, in_channels: int, input_size: tuple[int, int], pretrained: bool
    ) -> nn.Module:
        check_name(choice.name)
        sized = size_option(published(choice.name), input_size)
        return create(choice, pretrained, {"num_classes": num_classes, "in_chans": in_channels, **sized})

    def preprocessing(self, choice: Choice, dataset: Dataset) -> Preprocessing:
        return at_stated_size(from_config(published(choice.name)), choice.options.get("img_size"))


class Hub(Source):
    """`hf-hub:org/name`: the hub says what it is, so only the form of the name is checked before."""

    def check(self, choice: Choice) -> None:
        if not re.fullmatch(r"hf-hub:[\w.-]+/[\w.-]+(@[\w.-]+)?", choice.name):
            raise UsageError(f"model {choice.name!r}: a network on the hub is hf-hub:ORGANISATION/NAME")
        refuse_reserved(choice, RESERVED)

    def build(
        self, choice: Choice, num_classes: int, in_channels: int, input_size: tuple[int, int], pretrained: bool
    ) -> nn.Module:
        sized = size_option(hub_config(choice.name), input_size)
        return create(choice, pretrained, {"num_classes": num_classes, "in_chans": in_channels, **sized})

    def preprocessing(self, choice: Choice, dataset: Dataset) -> Preprocessing:
        return from_config(hub_config(choice.name))


def check_name(name: str) -> None:
    """Raises UnknownName for a network or a tag that timm does not have."""
    require_installed("timm", name)
    architecture, _, tag = name.partition(".")
    if architecture not in timm_names():
        raise UnknownName("model", name, [*REGISTRY.names(), *timm_names(), *torchvision_names()])
    if tag and name not in timm_tags():
        import timm

        tags = timm.list_pretrained(f"{architecture}.*")  # some files compute their tags
        if name not in tags:
            raise UnknownName("model", name, [architecture, *tags])


def create(choice: Choice, pretrained: bool, arguments: dict[str, Any]) -> nn.Module:
    """Raises UsageError where timm can't build it so, WeightsError where its weights are not to be had."""
    import timm

    try:
        return timm.create_model(choice.name, pretrained=pretrained, **(arguments | choice.options))
    except TypeError as error:
        raise UsageError(f"model {str(choice)!r}: timm can't build it so: {first_line(error)}") from error
    except Exception as error:  # constructors assert, the hub's client has a tree of its own
        if pretrained:
            raise WeightsError(f"the published weights of {choice.name!r} can't be had: {first_line(error)}") from error
        raise UsageError(f"model {str(choice)!r} can't be built with {arguments}: {first_line(error)}") from error


def build_on_meta(choice: Choice) -> None:
    import torch

    with torch.device("meta"):
        create(choice, False, {})


def published(name: str) -> dict[str, Any]:
    """The configuration of the named weights; empty where timm publishes none."""
    import timm

    config = timm.models.get_pretrained_cfg(name)
    return asdict(config) if config else {}


def hub_config(name: str) -> dict[str, Any]:
    from timm.models import load_model_config_from_hf

    try:
        config, _, _ = load_model_config_from_hf(name.removeprefix("hf-hub:"))
    except Exception as error:  # the hub's client has a tree of its own
        raise WeightsError(f"the configuration of {name!r} can't be had: {first_line(error)}") from error
    return dict(config)


def size_option(config: dict[str, Any], input_size: tuple[int, int]) -> dict[str, Any]:
    """`img_size` for networks of a fixed input size, where it is another one; convolutional ones don't take it."""
    fixed = config.get("fixed_input_size", False) and tuple(config["input_size"][1:]) != tuple(input_size)
    return {"img_size": tuple(input_size)} if fixed else {}


def at_stated_size(made_for: Preprocessing, img_size: Any) -> Preprocessing:
    """`vit_base_patch14_dinov2:img_size=224` is shown images of 224 pixels, not of the 518 it was made for."""
    return made_for.model_copy(update={"size": (img_size, img_size)}) if isinstance(img_size, int) else made_for


def from_config(config: dict[str, Any]) -> Preprocessing:
    """timm's resolved data configuration (of the training size, timm's default) as ours."""
    from timm.data.config import resolve_data_config

    found = resolve_data_config({}, pretrained_cfg=config, use_test_size=False)
    channels, height, width = found["input_size"]
    return Preprocessing(
        size=(height, width),
        channels=channels,
        mean=tuple(found["mean"]),
        std=tuple(found["std"]),
        interpolation=found["interpolation"] if found["interpolation"] in INTERPOLATIONS else "bicubic",
        crop=found["crop_pct"],
        mode="squash" if found["crop_mode"] == "squash" else "crop",
    )
