"""torchvision's classification networks, `torchvision:NAME`, with the first and last layer adapted to the dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.errors import UnknownName, UsageError, WeightsError
from backbench.models import REGISTRY
from backbench.models.installed import require_installed, timm_names, torchvision_names
from backbench.models.source import Source, first_line, refuse_reserved
from backbench.spec.choice import Choice

if TYPE_CHECKING:
    from torch import nn

RESERVED = ("num_classes", "weights", "progress")
# The networks whose weights fix the size name it in their own way.
SIZED = {
    "torchvision.models.vision_transformer": lambda size: {"image_size": size[0]},
    "torchvision.models.maxvit": lambda size: {"input_size": size},
}
# Their auxiliary heads make the training output a tuple, and they warn where nobody says how to initialise them.
WITH_HEADS = ("googlenet", "inception_v3")


class Torchvision(Source):
    """`torchvision:resnet50`, `torchvision:squeezenet1_1`, …"""

    def check(self, choice: Choice) -> None:
        require_installed("torchvision", choice.name)
        if choice.name not in torchvision_names():
            raise UnknownName("model", choice.name, [*torchvision_names(), *REGISTRY.names(), *timm_names()])
        refuse_reserved(choice, RESERVED)
        if choice.options:  # only the constructor knows its options
            build_on_meta(choice)

    def build(
        self, choice: Choice, num_classes: int, in_channels: int, input_size: tuple[int, int], pretrained: bool
    ) -> nn.Module:
        self.check(Choice(name=choice.name))
        refuse_reserved(choice, RESERVED)
        model = create(choice, num_classes, input_size, pretrained)
        take_channels(model, in_channels)
        give_classes(model, num_classes)
        return model

    def preprocessing(self, choice: Choice, dataset: Dataset) -> Preprocessing:
        from torchvision.models import get_model_weights

        made_by = get_model_weights(plain_name(choice)).DEFAULT.transforms()
        return Preprocessing(
            size=(made_by.crop_size[0], made_by.crop_size[0]),
            mean=tuple(made_by.mean),
            std=tuple(made_by.std),
            interpolation=made_by.interpolation.value,
            crop=made_by.crop_size[0] / made_by.resize_size[0],
        )


def plain_name(choice: Choice) -> str:
    return choice.name.removeprefix("torchvision:")


def build_on_meta(choice: Choice) -> None:
    import torch

    with torch.device("meta"):
        create(choice, 1000, (224, 224), False)


def create(choice: Choice, num_classes: int, input_size: tuple[int, int], pretrained: bool) -> nn.Module:
    """torchvision's network; a pretrained one still has its own classes. Raises UsageError or WeightsError."""
    from torchvision.models import get_model, get_model_builder

    name = plain_name(choice)
    arguments: dict[str, Any] = SIZED.get(get_model_builder(name).__module__, lambda size: {})(input_size)
    arguments |= {"aux_logits": False} if name in WITH_HEADS else {}
    arguments |= {"init_weights": True} if name in WITH_HEADS and not pretrained else {}
    arguments |= {"weights": "DEFAULT"} if pretrained else {"weights": None, "num_classes": num_classes}
    try:
        return cast("nn.Module", get_model(name, **(arguments | choice.options)))
    except (TypeError, ValueError) as error:
        raise UsageError(f"model {str(choice)!r}: torchvision can't build it so: {first_line(error)}") from error
    except Exception as error:  # downloading raises what the network and the disk raise
        kind = WeightsError if pretrained else UsageError
        raise kind(f"model {str(choice)!r} can't be had from torchvision: {first_line(error)}") from error


def take_channels(model: nn.Module, in_channels: int) -> None:
    """Another number of input channels: each new filter is the mean of the old ones, times how many fewer there are."""
    import torch
    from torch import nn

    path, first = next((path, item) for path, item in model.named_modules() if isinstance(item, nn.Conv2d))
    if first.in_channels == in_channels:
        return
    layer = rebuilt_convolution(first, in_channels, first.out_channels)
    with torch.no_grad():  # the answer to a grey image stays that to its three-channel copy
        mean = first.weight.mean(1, keepdim=True) * (first.in_channels / in_channels)
        layer.weight.copy_(mean.expand_as(layer.weight))
        if first.bias is not None and layer.bias is not None:
            layer.bias.copy_(first.bias)
    replace(model, path, layer)


def give_classes(model: nn.Module, num_classes: int) -> None:
    """Another number of classes: the last layer, linear or a 1×1 convolution, is made anew."""
    from torch import nn

    path, last = [(path, item) for path, item in model.named_modules() if isinstance(item, (nn.Linear, nn.Conv2d))][-1]
    if isinstance(last, nn.Linear) and last.out_features != num_classes:
        replace(model, path, nn.Linear(last.in_features, num_classes, bias=last.bias is not None))
    elif isinstance(last, nn.Conv2d) and last.out_channels != num_classes:
        replace(model, path, rebuilt_convolution(last, last.in_channels, num_classes))


def rebuilt_convolution(old: nn.Conv2d, in_channels: int, out_channels: int) -> nn.Conv2d:
    from torch import nn

    return nn.Conv2d(
        in_channels,
        out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        old.stride,  # type: ignore[arg-type]
        old.padding,  # type: ignore[arg-type]
        old.dilation,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )


def replace(model: nn.Module, path: str, layer: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, layer)
