"""What a study will cost, before it runs: bounds from its protocol, its recipes' stated times and its networks'
sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backbench.measuring.plan import PLANS, Plan
from backbench.spec.cell import Cell
from backbench.spec.choice import chain_text
from backbench.spec.study import Planned, Study
from backbench.training.recipe import load_recipe

PROCESS_SECONDS = 0.5  # fork, load and first call of a small network
BYTES_PER_PARAMETER = 4


def estimate(study: Study, planned: list[Planned]) -> dict[str, Any]:
    """{"measuring_s": [least, most], "training": text} of the cells that are not skipped."""
    cells = measured(planned)
    plan = PLANS[study.protocol]
    return {
        "measuring_s": [len(cells) * plan.min_processes * least(plan), len(cells) * plan.max_processes * most(plan)],
        "training": training(cells),
    }


def disk_bytes(planned: list[Planned]) -> int:
    """Bytes of all artefacts. Apart from the rest, since it builds the networks: that takes seconds, and torch."""
    return sum(disk(cell) for cell in {artefact_key(cell): cell for cell in measured(planned)}.values())


def measured(planned: list[Planned]) -> list[Cell]:
    return [plan.cell for plan in planned if not plan.skip]


def least(plan: Plan) -> float:
    return plan.warmup_seconds + plan.timed_seconds + PROCESS_SECONDS


def most(plan: Plan) -> float:
    return plan.warmup_seconds + plan.cap_seconds + PROCESS_SECONDS


def training(cells: list[Cell]) -> str:
    """Each recipe that will be trained, how often, and the time that it states."""
    wanted: dict[str, set[str]] = {}
    for recipe, what in (found for cell in cells for found in trainings(cell)):
        wanted.setdefault(recipe, set()).add(what)
    stated = (f"{len(runs)} × {name} ({stated_time(name)})" for name, runs in sorted(wanted.items()))
    return ", ".join(stated) or "none"


def trainings(cell: Cell) -> Iterator[tuple[str, str]]:
    """(recipe, what it trains) of the cell's own training, and of those in its chain and their teachers'."""
    start = f"{cell.model}/{cell.dataset}/{cell.seed}/{cell.weights}"
    if cell.recipe:
        yield cell.recipe, start
    for place, choice in enumerate(cell.technique):
        options = choice.options
        if options.get("recipe"):
            yield options["recipe"], f"{start}/{cell.recipe}/{chain_text(cell.technique[: place + 1])}"
        if options.get("teacher_recipe"):
            yield options["teacher_recipe"], f"{options['teacher']}/{cell.dataset}/{cell.seed}/None"


def stated_time(name: str) -> str:
    return ", ".join(f"{time} on {machine}" for machine, time in load_recipe(name).expected.items()) or "time not known"


def disk(cell: Cell) -> int:
    """Bytes of the stored weights and of an exported copy, from the network built without memory."""
    import torch

    from backbench.models.build import build

    with torch.device("meta"):
        model = build(cell.model, num_classes=10, in_channels=3, input_size=cell.input[2:] if cell.input else (32, 32))
    stored = sum(tensor.numel() for tensor in model.state_dict().values()) * BYTES_PER_PARAMETER
    return int(stored) * (1 if cell.runtime.name == "eager" else 2)


def artefact_key(cell: Cell) -> str:
    return f"{cell.model}/{cell.dataset}/{cell.recipe}/{cell.seed}/{cell.weights}/{cell.technique}/{cell.runtime.name}"
