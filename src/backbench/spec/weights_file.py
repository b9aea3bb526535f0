"""What a cell says of a weights file: where it lies, and what can't be read from it.

    weights/net.safetensors
    weights/mobilenetv2.safetensors:mean=0.5,std=0.5,strict=false
    weights/lite0.pth:match=order,mean=0.5,std=0.5
    weights/imagenet.safetensors:head=new                           (to be fine-tuned on other classes)

Per-channel values are written with slashes: `mean=0.485/0.456/0.406`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from backbench.errors import UsageError
from backbench.registry import complaint
from backbench.spec.choice import Choice

WITHOUT_FILE = (None, "random", "pretrained")


def channels(value: Any) -> Any:
    """`0.5` as (0.5,), `0.485/0.456/0.406` as three."""
    if isinstance(value, str):
        return tuple(float(part) for part in value.split("/"))
    return (value,) if isinstance(value, (int, float)) else value


Channels = Annotated[tuple[float, ...] | None, BeforeValidator(channels)]


class WeightsFile(BaseModel):
    """A file and how it is read.

    `mean`, `std`: what the images were normalised with, where it is not the network's usual one. `match=order`: names
    differ, shapes and order are the network's. `strict=false`: keys that only one side has are left (a batch norm that
    was folded away). `head=new`: the head is left out, since the classes are others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    mean: Channels = None
    std: Channels = None
    match: Literal["name", "order"] = "name"
    strict: bool = True
    head: Literal["kept", "new"] = "kept"

    def how(self) -> dict[str, Any]:
        """What of it changes the loaded weights, defaults left out: part of their identity beside the file's hash."""
        return self.model_dump(mode="json", include={"match", "strict", "head"}, exclude_defaults=True)


def weights_file(text: str | None) -> WeightsFile | None:
    """The file that a cell's `weights` names; None for none, `random` and `pretrained`. Raises UsageError."""
    if text in WITHOUT_FILE:
        return None
    if Path(str(text)).is_file():
        return WeightsFile(path=Path(str(text)))
    choice = Choice.parse(str(text))
    if not Path(choice.name).is_file():
        raise UsageError(
            f"{choice.name!r} is no file; allowed: random, pretrained, or a .safetensors or .pt file, behind which"
            " mean=, std=, match=, strict= and head= can be said"
        )
    try:
        return WeightsFile.model_validate({"path": choice.name, **choice.options})
    except ValidationError as error:
        names = [name for name in WeightsFile.model_fields if name != "path"]
        raise UsageError(f"{text}: {'; '.join(complaint(item, names) for item in error.errors())}") from None
