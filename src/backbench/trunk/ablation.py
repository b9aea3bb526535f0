"""The ablation over grouping volatility: one saved likelihood, every volatility swept on it, only distinct trees trained.

The trees have two levels: the root's groups come from the root's likelihood and each child is flat, so one likelihood decides
the whole tree. Accuracy is that of the held-out part. Phases whose epochs are cut are named so in the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.errors import UsageError
from backbench.trunk.grouping import Groups, sweep
from backbench.trunk.grow import Start
from backbench.trunk.recipe import Phased, Phases
from backbench.trunk.tables import table
from backbench.trunk.tree import ROOT

if TYPE_CHECKING:
    from backbench.trunk.growing.phased import Phases as PhasedRun


@dataclass(frozen=True)
class Point:
    """One volatility: its groups, and the held-out accuracy of their tree."""

    volatility: float
    groups: Groups
    correct: int
    n: int

    def data(self) -> dict[str, Any]:
        return {**vars(self), "groups": [list(members) for members in self.groups]}


def volatilities(first: float, last: float, step: float) -> list[float]:
    """First to last, both included. Raises UsageError where that is no range."""
    if not 0 < first <= last or step <= 0:
        raise UsageError(f"volatilities from {first:g} to {last:g} by {step:g}: no range of positive numbers")
    return [round(first + place * step, 10) for place in range(int((last - first) / step + 1e-9) + 1)]


def shortened(recipe: Phased, epochs: int | None) -> Phased:
    """Every phase at most this long."""
    if epochs is None:
        return recipe

    def cut(phases: Phases) -> Phases:
        short = {
            name: (whole := getattr(phases, name)).model_copy(update={"epochs": min(epochs, whole.epochs)})
            for name in ("classes", "groups")
        }
        return phases.model_copy(update=short)

    return recipe.model_copy(
        update={"general": cut(recipe.general), "nodes": {name: cut(node) for name, node in recipe.nodes.items()}}
    )


def ablate(begin: Start, values: list[float]) -> list[Point]:
    """A point for each volatility. Raises UsageError for a recipe of another method."""
    from backbench.trunk.growing.phased import Phases as PhasedRun
    from backbench.trunk.growing.phased import root_likelihood

    if not isinstance(begin.recipe, Phased):
        raise UsageError("the ablation over volatility is of the phased method; name a recipe with method: phased")
    recipe = begin.recipe.model_copy(update={"depth": 2})
    run = PhasedRun(begin.dataset, begin.preprocessing, recipe, begin.seed, begin.journal, begin.device, begin.tell)
    likelihood = root_likelihood(run)
    wanted = sweep(likelihood, values)
    distinct = sorted(set(wanted.values()), key=lambda groups: (len(groups), groups))
    begin.tell(f"{len(values)} volatilities give {len(distinct)} distinct trees")
    found = {groups: judged(run, f"tree-{number}", groups) for number, groups in enumerate(distinct)}
    return [Point(value, groups, *found[groups]) for value, groups in wanted.items()]


def judged(run: PhasedRun, name: str, groups: Groups) -> tuple[int, int]:
    """Held-out images that the tree of these root groups gets right, and how many there are."""
    from backbench.training.batches import Pixels
    from backbench.trunk.growing.phased import grow
    from backbench.trunk.growing.shares import scores_of

    def do(place: Path) -> dict[str, Any]:
        settled = groups if len(groups) > 1 else tuple((label,) for label in range(len(run.dataset.classes)))
        _, network = grow(replace(run, groups={ROOT: settled}, prefix=f"{name}/"))
        pixels = Pixels(run.dataset.validation, run.preprocessing)
        right = scores_of(network, pixels, run.device).argmax(1) == pixels.labels.numpy()
        return {"correct": int(right.sum()), "n": len(pixels)}

    run.tell(f"{name}: {len(groups)} root groups")
    done = run.journal.once(f"{name}/held-out", do)
    return done["correct"], done["n"]


def points_table(points: list[Point]) -> str:
    """Volatility, groups, held-out accuracy with its interval."""
    from backbench.statistics.accuracy import wilson

    rows = []
    for point in points:
        share = wilson(point.correct, point.n)
        shown = f"{share.estimate:.2%} [{share.low:.2%}, {share.high:.2%}]"
        rows.append([f"{point.volatility:g}", str(len(point.groups)), f"{shown} (n = {point.n})"])
    return table(["volatility", "root groups", "held-out accuracy"], rows)
