"""Trains the network from a teacher: a larger network, trained on the same images (Hinton et al. 2015, arXiv:1503.02531).

The teacher is a network by name, with weights of a recipe (trained once, and shared with a cell that measures it), of a file, or
published ones. Both see the same input: a teacher that was made for another size or normalisation is refused. The student
starts from the cell's own weights: random ones, unless the cell names a recipe or weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from backbench.errors import UsageError
from backbench.spec.choice import Choice
from backbench.techniques.finetune import Temperature, Weight, trained_on
from backbench.techniques.technique import Context, Technique
from backbench.training.recipe import load_recipe

if TYPE_CHECKING:
    from torch import nn

    from backbench.training.distillation import Teacher


class Distill(Technique):
    """Trains with a teacher's outputs: `teacher` is a network's name, its weights those of `teacher_recipe` or `teacher_weights`.

    The name may have an option: `teacher=resnet20:width=32`.
    `recipe`: the student's; the teacher has `weight` of the loss, at `temperature`.
    """

    stage: ClassVar[Literal["module", "graph"]] = "module"
    trains: ClassVar[bool] = True

    teacher: str
    teacher_recipe: str | None = None
    teacher_weights: str | None = None
    recipe: str = "short"
    temperature: Temperature = 4.0
    weight: Weight = 0.9

    @model_validator(mode="after")
    def _a_trained_teacher(self) -> Distill:
        if (self.teacher_recipe is None) == (self.teacher_weights is None):
            raise ValueError(
                "an untrained teacher teaches nothing: give teacher_recipe or teacher_weights ('pretrained' or a file), one of them"
            )
        return self

    def check(self) -> None:
        from backbench.models.build import check_model

        load_recipe(self.recipe)
        check_model(Choice.parse(self.teacher))
        if self.teacher_recipe is not None:
            load_recipe(self.teacher_recipe)
        elif self.teacher_weights != "pretrained" and not Path(str(self.teacher_weights)).is_file():
            raise UsageError(
                f"technique distill: teacher_weights={self.teacher_weights!r} is no file; allowed: pretrained, a file"
            )

    def content(self) -> dict[str, Any]:
        from backbench.models.weights import sha256

        found: dict[str, Any] = {"recipe": load_recipe(self.recipe).identity()}
        if self.teacher_recipe is not None:
            found["teacher_recipe"] = load_recipe(self.teacher_recipe).identity()
        elif self.teacher_weights != "pretrained":
            found["teacher_weights"] = sha256(Path(str(self.teacher_weights)))
        return found

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        return trained_on(model, context, "distill", self.recipe, self._teacher(context))

    def _teacher(self, context: Context) -> Teacher:
        """The trained teacher. Raises UsageError where it does not see what the student sees."""
        from backbench.models.build import build, load_weights
        from backbench.training.distillation import Teacher
        from backbench.training.further import content

        refuse_other_input(self.teacher, self.teacher_weights, context)
        network = build(
            Choice.parse(self.teacher),
            num_classes=len(context.dataset.classes),
            in_channels=context.shape[0],
            input_size=context.preprocessing.size,
            pretrained=self.teacher_weights == "pretrained",
        )
        if self.teacher_weights != "pretrained":
            load_weights(network, self._weights(context))
        return Teacher(network, {"model": self.teacher, "sha256": content(network)}, self.temperature, self.weight)

    def _weights(self, context: Context) -> Path:
        """The teacher's weights file; trains it where a recipe is named and its weights are not there yet."""
        from backbench.training.store import train_cached

        if self.teacher_recipe is None:
            return Path(str(self.teacher_weights))
        found = train_cached(
            Choice.parse(self.teacher), context.dataset, self.teacher_recipe, seed=context.seed,
            settings=context.settings, input=(1, *context.shape), device=context.device,
            tell=lambda text: context.progress(f"distill: teacher {self.teacher}: {text}"),
        )  # fmt: skip
        return found.path


def refuse_other_input(teacher: str, weights: str | None, context: Context) -> None:
    """Raises UsageError where the teacher was made for other images than those that the student gets."""
    from backbench.models.build import default_preprocessing

    given = "pretrained" if weights == "pretrained" else None
    usual = default_preprocessing(Choice.parse(teacher), context.dataset, (1, *context.shape), weights=given)
    mine = context.preprocessing
    differ = [name for name in ("mean", "std", "channels", "size") if getattr(usual, name) != getattr(mine, name)]
    if differ:
        said = ", ".join(f"{name} {getattr(usual, name)} and not {getattr(mine, name)}" for name in differ)
        raise UsageError(f"technique distill: the teacher {teacher} wants other images than this network gets: {said}")
