"""How a tree is grown, as inert data: the published method phase by phase, or ours (joint training, growth by evidence).

Recipes are YAML files; those of `backbench/trunk/recipes/` ship with the package, a path reads a user's own. The
published hyper-parameter files are read as they are (see `hyperparameters`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from backbench.errors import BackbenchError, SpecError
from backbench.registry import complaint
from backbench.spec.recipe_file import Shelf, fields_of
from backbench.training.recipe import Recipe, load_recipe
from backbench.trunk.layers import head, layer

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def training_recipe(value: Any) -> Any:
    """A training recipe by name or path, or written out in place."""
    if isinstance(value, str):
        return load_recipe(value)
    return {"description": "a phase of a growth", **value} if isinstance(value, dict) else value


def known_layers(value: Any) -> Any:
    texts = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    try:
        for text in texts:
            layer(str(text))
    except BackbenchError as error:
        raise ValueError(str(error)) from None
    return tuple(map(str, texts))


def known_head(value: Any) -> Any:
    try:
        head(str(value))
    except BackbenchError as error:
        raise ValueError(str(error)) from None
    return str(value)


Phase = Annotated[Recipe, BeforeValidator(training_recipe)]
Layers = Annotated[tuple[str, ...], BeforeValidator(known_layers)]
HeadText = Annotated[str, BeforeValidator(known_head)]


class Phases(Strict):
    """A node's two phases and where its grouping is cut."""

    classes: Phase
    groups: Phase
    volatility: Positive


class Phased(Strict):
    """The published method: class phase, ASL, grouping, group phase, node by node, ancestors frozen."""

    method: Literal["phased"]
    name: str = ""
    description: str
    root: Layers
    child: Layers
    head: HeadText = "mean_linear"
    nodes: dict[str, Phases] = Field(default_factory=dict)  # by the node's name; all others: `general`
    general: Phases
    depth: Annotated[int, Field(ge=1)] | None = None  # decisions at most; none: as deep as the grouping goes
    notes: tuple[str, ...] = ()  # what of a published file was not taken over

    def phases(self, node: str) -> Phases:
        return self.nodes.get(node, self.general)


class Teacher(Strict):
    """A larger network that is trained first (or found in the cache), and how much of its judgement is learned."""

    model: str
    recipe: str
    weight: Share = 0.5  # of its softened shares in the loss; the rest is the labels'
    temperature: Positive = 2.0


class SecondThoughts(Strict):
    """Where the threshold is looked for, and how many child runs an image may cost more on average."""

    thresholds: tuple[Share, ...] = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    runs: Annotated[float, Field(ge=0)] = 0.15


class Joint(Strict):
    """Ours: a flat root first, groups from its likelihood on held-out images, then the whole tree on the path likelihood."""

    method: Literal["joint"]
    name: str = ""
    description: str
    root: Layers
    child: Layers
    head: HeadText = "mean_linear"
    teacher: Teacher | None = None
    flat: Phase  # the root alone, with an output for each class
    joint: Phase  # each candidate tree, and the control
    last: Phase | None = None  # the chosen one, on top; none: it is done
    coarse: Annotated[float, Field(ge=0)] = 0.0  # weight of the groups' own cross-entropy
    candidates: Annotated[int, Field(ge=1)] = 2  # distinct trees that are tried
    groups: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2)]] = (2, 16)  # at the root: least, most
    margin: float = 0.0  # accuracy by which a tree must beat the control at equal cost
    require_tree: bool = False  # keep the best tree even where the control wins; the evidence says so
    second: SecondThoughts = SecondThoughts()


GrowRecipe = Phased | Joint
SHELF = Shelf("backbench.trunk")
METHODS: dict[str, type[Phased] | type[Joint]] = {"phased": Phased, "joint": Joint}


names = SHELF.names  # the recipes that ship with the package


def load_grow_recipe(name_or_path: str) -> GrowRecipe:
    """A shipped recipe by name, or a YAML file by path. Raises UnknownName, UsageError or SpecError."""
    return parse(*SHELF.read(name_or_path))


def parse(text: str, name: str, source: str) -> GrowRecipe:
    """The recipe in this text, ours or a published file. Raises SpecError with every complaint."""
    from backbench.trunk.hyperparameters import is_published, phased

    place = f"recipe {source!r}"
    data = fields_of(text, place)
    if is_published(data):
        data = phased(data, place)
    kind = METHODS.get(str(data.get("method")))
    if kind is None:
        raise SpecError(place, [f"method: {data.get('method')!r} is none; allowed: {', '.join(METHODS)}"])
    try:
        return kind.model_validate({"name": name, **data})
    except ValidationError as error:
        complaints = [complaint(item, list(kind.model_fields)).replace("option", "field", 1) for item in error.errors()]
        raise SpecError(place, complaints) from None
