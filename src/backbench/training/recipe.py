"""A recipe: how a network is trained, as inert data. It names no network and no dataset.

Recipes are YAML files; those of `backbench/training/recipes/` ship with the package, a path reads a user's own.
`reached` holds measured results only: what was trained on what, with which seed, in what time, and the accuracy with
its interval.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backbench.errors import SpecError
from backbench.registry import complaint
from backbench.spec.recipe_file import Shelf, fields_of

Fraction = Annotated[float, Field(ge=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]
SHELF = Shelf("backbench.training")


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Augment(Strict):
    """What is done to each training image, anew in every epoch."""

    crop: Annotated[int, Field(ge=0)] = 0  # pixels: shift by up to this many in each direction
    padding: Literal["zero", "reflect"] = "zero"  # what stands behind the image's edge
    window: Annotated[float, Field(gt=0, le=1)] = (
        1.0  # of each side: a random part; 1 where a network takes one size only
    )
    windowed: Annotated[float, Field(ge=0, le=1)] = 0.8  # share of the epochs, from the first, that see windows
    flip: bool = False  # only where the dataset is `mirrored`: never for letters and digits
    resized_crop: Annotated[float, Field(gt=0, le=1)] | None = None  # smallest share of the area, for photographs
    mixup: NotNegative = 0.0  # alpha of the Beta distribution; 0: off
    cutmix: NotNegative = 0.0  # the same; where both are set, each batch draws one of them
    erase: Annotated[float, Field(ge=0, le=1)] = 0.0  # probability that a rectangle is erased


class Reached(Strict):
    """One measured result; nothing is written here that was not measured."""

    model: str
    dataset: str
    seed: int
    validation: float  # accuracy in 0…1
    test: float
    interval: tuple[float, float]  # Wilson, 95 %
    n: int
    seconds: float
    machine: str


class Recipe(Strict):
    """Epochs, optimizer, schedule, augmentation, averaging, precision."""

    name: str = ""
    description: str
    epochs: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)]
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"  # adam: decay as an L2 penalty on every weight, as torch's
    lr: Annotated[float, Field(gt=0)]  # the schedule's peak
    momentum: Fraction = 0.9  # Nesterov's for sgd, beta 1 for adamw
    weight_decay: NotNegative = 0.0  # on weights of two and more dimensions; never on norms and biases
    schedule: Literal["cosine", "linear", "constant", "step"] = "cosine"
    period: Annotated[float, Field(gt=0)] | None = None  # epochs of half a cosine; none: the whole run
    step: Annotated[int, Field(ge=1)] = 30  # epochs between two drops of the schedule "step"
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1  # what each drop multiplies the rate by
    warmup: NotNegative = 0.0  # epochs, linear from 0
    augment: Augment = Augment()
    label_smoothing: Fraction = 0.0
    ema: Fraction = 0.0  # decay per step of the averaged weights that are evaluated and kept; 0: off
    clip: NotNegative = 0.0  # largest norm of the gradient; 0: off
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    lanes: Annotated[int, Field(ge=1, le=64)] = 1  # parts of a batch that are computed side by side, a thread each
    expected: dict[str, str] = Field(default_factory=dict)  # machine → time, where known
    reached: tuple[Reached, ...] = ()

    def identity(self) -> dict[str, Any]:
        """What decides the result: everything but the words about it, and no field that stands at its default.

        So a field that a later version adds leaves the identity of older recipes as it was.
        """
        words = {"name", "description", "expected", "reached"}
        return self.model_dump(mode="json", exclude=words, exclude_defaults=True)


names = SHELF.names  # the recipes that ship with the package


def load_recipe(name_or_path: str) -> Recipe:
    """A shipped recipe by name, or a YAML file by path. Raises UnknownName, UsageError or SpecError."""
    return parse_recipe(*SHELF.read(name_or_path))


def parse_recipe(text: str, name: str, source: str = "") -> Recipe:
    """The recipe in this YAML text; every bad field is named at once."""
    place = f"recipe {source or name!r}"
    try:
        return Recipe(**{"name": name, **fields_of(text, place)})
    except ValidationError as error:
        raise SpecError(place, [field_complaint(item) for item in error.errors()]) from None


def field_complaint(item: Any) -> str:
    """One bad field; the nearest match is looked for among the fields of the mapping that it stands in."""
    models: dict[str, type[BaseModel]] = {"augment": Augment, "reached": Reached}
    path = [str(step) for step in item["loc"]]
    allowed = list(models.get(path[0] if len(path) > 1 else "", Recipe).model_fields)
    if item["type"] == "extra_forbidden":
        return complaint({**item, "loc": path[-1:]}, allowed).replace("option", "field", 1)
    return complaint(item, allowed).replace("option", "field", 1)
