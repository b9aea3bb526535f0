"""From a Choice to a network and its preprocessing: own families, timm, torchvision, the hub, a user's function.

    resnet20:width=8                   an own family with an option
    resnet50, resnet50.a1_in1k         timm, with or without the tag of its weights
    hf-hub:org/name                    a timm network on the Hugging Face hub
    torchvision:squeezenet1_1          torchvision's classification networks
    mypackage.mynets:tiny              a user's function, found from the current directory as well

Options of a Choice are keyword arguments of the library's own constructor; own families check theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.models import REGISTRY
from backbench.models.installed import timm_names, torchvision_names
from backbench.models.own import Own
from backbench.models.reference import Reference
from backbench.models.source import Source
from backbench.models.timm_models import Hub, Timm
from backbench.models.torchvision_models import Torchvision
from backbench.models.weights import load_given, load_weights, save_weights
from backbench.spec.choice import Choice, is_reference
from backbench.spec.weights_file import weights_file

if TYPE_CHECKING:
    from torch import nn

__all__ = ["build", "check_model", "default_preprocessing", "load_given", "load_weights", "names", "save_weights"]

# The first row that takes the name serves it: own names come first, and a plain name is timm's.
SOURCES: tuple[tuple[Callable[[str], bool], Source], ...] = (
    (REGISTRY.__contains__, Own()),
    (lambda name: name.startswith("torchvision:"), Torchvision()),
    (lambda name: name.startswith("hf-hub:"), Hub()),
    (is_reference, Reference()),
    (lambda name: True, Timm()),
)


def build(
    choice: Choice, *, num_classes: int, in_channels: int, input_size: tuple[int, int], pretrained: bool = False
) -> nn.Module:
    """The network in evaluation mode: float32 N × in_channels × height × width to N × num_classes logits.

    Random values depend on torch's seed only. Raises UnknownName or another UsageError, MissingDependency, and
    WeightsError where `pretrained` weights don't exist or can't be fetched.
    """
    source = source_of(choice.name)
    return source.build(choice, num_classes, in_channels, input_size, pretrained).eval()


def check_model(choice: Choice) -> None:
    """Raises UnknownName with the nearest match, or another UsageError, before anything is built."""
    source_of(choice.name).check(choice)


def names(*, all: bool = False) -> list[str]:
    """The own families; with `all`, also what the installed timm and torchvision know. Imports neither."""
    return [*REGISTRY.names(), *timm_names(), *torchvision_names()] if all else REGISTRY.names()


def default_preprocessing(
    choice: Choice,
    dataset: Dataset,
    input: tuple[int, int, int, int] | None = None,
    *,
    weights: str | None = None,
) -> Preprocessing:
    """The size, crop, interpolation, mean and deviation that the network was made for; `input` overrides the shape.

    Own families and users' networks use the dataset's size and statistics; timm and torchvision networks use those of
    their published weights, unless the cell's `weights` name a file and say others. Channels are the dataset's; but
    with `pretrained` weights they are the network's, and a grey image is repeated to three channels.
    """
    given = weights_file(weights)
    if input and dataset.size is None:  # images of different sizes: all are brought to the input's
        dataset = replace(dataset, size=(input[2], input[3]))
    made_for = source_of(choice.name).preprocessing(choice, dataset)
    channels = input[1] if input else made_for.channels if weights == "pretrained" else dataset.channels
    changes = {
        "size": (input[2], input[3]) if input else made_for.size,
        "channels": channels,
        "mean": spread((given and given.mean) or made_for.mean, channels),
        "std": spread((given and given.std) or made_for.std, channels),
    }
    return made_for.model_copy(update=changes)


def spread(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """Per-channel values for another number of channels: their mean, for each."""
    return values if len(values) == channels else (sum(values) / len(values),) * channels


def source_of(name: str) -> Source:
    return next(source for takes, source in SOURCES if takes(name))
