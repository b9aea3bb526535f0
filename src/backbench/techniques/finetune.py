"""Trains the network on from where the chain has brought it: after pruning, with or without the unpruned network as its teacher.

The best epoch on *validation* is kept; the test part is never read. Zeros that a mask of the same chain has set stay zero. The result is
cached by what it is made from and continued where it was interrupted, as trained weights are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from backbench.errors import Skip
from backbench.techniques.technique import Context, Technique
from backbench.training.recipe import load_recipe

if TYPE_CHECKING:
    from torch import nn

    from backbench.training.distillation import Teacher

Temperature = Annotated[float, Field(gt=0, le=100)]
Weight = Annotated[float, Field(gt=0, le=1)]


class Finetune(Technique):
    """Trains on, with a recipe; `teacher=parent`: the network before the chain teaches, with `weight` of the loss at `temperature`."""

    stage: ClassVar[Literal["module", "graph"]] = "module"
    trains: ClassVar[bool] = True

    recipe: str = "short"
    teacher: Literal["parent"] | None = None
    temperature: Temperature = 4.0
    weight: Weight = 0.5

    def check(self) -> None:
        load_recipe(self.recipe)

    def content(self) -> dict[str, Any]:
        return {"recipe": load_recipe(self.recipe).identity()}

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        teacher = None if self.teacher is None else self._parent(context)
        return trained_on(model, context, "finetune", self.recipe, teacher)

    def _parent(self, context: Context) -> Teacher:
        import copy

        from backbench.training.distillation import Teacher
        from backbench.training.further import content

        assert context.original is not None
        parent = copy.deepcopy(context.original)
        identity = {"model": "the network before this chain", "sha256": content(parent)}
        return Teacher(parent, identity, self.temperature, self.weight)


def trained_on(model: nn.Module, context: Context, name: str, recipe: str, teacher: Teacher | None) -> nn.Module:
    """The network, trained further; what is known of it goes into the notes. Raises Skip where there is nothing to train on."""
    from backbench.training.further import Further, train_further, zeros

    if not len(context.dataset.train) or not len(context.dataset.validation):
        raise Skip(
            f"technique {name}: it trains and selects, and {context.dataset.name} has no train or validation part"
        )
    masked = any(step["notes"].get("masks") for step in context.earlier)
    wanted = Further(
        model, context.dataset, context.preprocessing, load_recipe(recipe), context.seed, context.settings,
        device=context.device, teacher=teacher, hold_zeros=masked, tell=lambda text: context.progress(f"{name}: {text}"),
    )  # fmt: skip
    trained, about = train_further(wanted)
    context.notes.update(
        training={key: value for key, value in about.items() if key not in NOT_NOTED},
        zeros_held=zeros(trained) if masked else 0,
    )
    return trained


NOT_NOTED = {"key", "tool", "packages", "dataset", "test", "evaluations_on_test"}  # the record says these of itself
