"""The published hyper-parameter files as recipes of the phased method.

Taken over: loss, optimiser, schedule, epochs and volatility of each node and phase, the batch, the seed. Left out, and said in
the recipe's notes: RandAugment (nothing here does it), the training images as validation, 64 loader workers, and the
best epoch on the test set. CutOut's squares are `erase`'s rectangles, with its probability at one.
"""

from __future__ import annotations

from typing import Any

from backbench.errors import SpecError

VGG_ROOT = [*(f"conv:out={width},bias=true" for width in (16, 32, 32, 32, 64, 64)), "pool", "dropout"]
VGG_CHILD = [
    *(f"conv:out={width},bias=true" for width in (16, 32, 32, 64)),
    *(f"conv:out={width},bias=true,stride=2" for width in (64, 128)),
    "dropout:maps=true",
]
BLOCKS = ("24,expand=2", "24,expand=4", "24,expand=4", "32,expand=4", "32,expand=4", "32,expand=4")
MOBILENET_ROOT = ["conv:out=24,stride=2,bias=true,activation=relu6", *(f"inverted:out={block}" for block in BLOCKS)]
MOBILENET_CHILD = ["inverted:out=48,expand=4"] * 3

# The loss tells the architecture: log-softmax heads go with the negative log-likelihood.
DESIGNS: dict[str, dict[str, Any]] = {
    "CrossEntropyLoss": {"root": VGG_ROOT, "child": VGG_CHILD, "head": "map_linear"},
    "NLLLoss": {"root": MOBILENET_ROOT, "child": MOBILENET_CHILD, "head": "conv_mean"},
}
OPTIMIZERS = {"Adam": "adam", "SGD": "sgd", "AdamW": "adamw"}
SCHEDULES = {
    "StepLR": lambda params: {"schedule": "step", "step": params["step_size"], "gamma": params["gamma"]},
    "CosineAnnealingLR": lambda params: {"schedule": "cosine", "period": params["T_max"]},
}
PHASES = {"classes": "class_hyperparameters", "groups": "grouping_hyperparameters"}
UNUSED = ("seed", "dataset", "general")


def is_published(data: dict[str, Any]) -> bool:
    return "method" not in data and "general" in data and "dataset" in data


def phased(data: dict[str, Any], place: str) -> dict[str, Any]:
    """The recipe's fields. Raises SpecError where the file is not as the published ones are."""
    try:
        loss = data["general"]["class_hyperparameters"]["loss"][0]["type"]
        train = data["dataset"]["train"]
        nodes = {name: phases(entry, train) for name, entry in data.items() if name not in UNUSED}
        return {
            "method": "phased",
            "description": "read from a published hyper-parameter file",
            **DESIGNS[loss],
            "general": phases(data["general"], train),
            "nodes": nodes,
            "notes": notes(train),
        }
    except (KeyError, TypeError, IndexError) as error:
        raise SpecError(place, [f"no published hyper-parameter file: {error} is missing or unknown"]) from None


def phases(entry: dict[str, Any], train: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: phase(entry[key], train) for name, key in PHASES.items()}
    return {**found, "volatility": entry[PHASES["groups"]]["grouping_volatility"]}


def phase(entry: dict[str, Any], train: dict[str, Any]) -> dict[str, Any]:
    """One phase as a training recipe."""
    optimizer, schedule = entry["optimizer"][0], entry["lr_scheduler"][0]
    cutout = any(step["type"] == "CutOut" for step in train["transform"])
    return {
        "description": "a phase of the published method",
        "epochs": entry["epochs"],
        "batch": train["params"]["batch_size"],
        "optimizer": OPTIMIZERS[optimizer["type"]],
        "lr": optimizer["params"]["lr"],
        "weight_decay": optimizer["params"].get("weight_decay", 0.0),
        **SCHEDULES[schedule["type"]](schedule["params"]),
        **({"augment": {"erase": 1.0}} if cutout else {}),
    }


def notes(train: dict[str, Any]) -> list[str]:
    """What the file asks for and is not done."""
    kinds = {step["type"] for step in train["transform"]}
    said = ["the best epoch is chosen on a held-out part of train in evaluation mode, not on the test images"]
    if "RandAugment" in kinds:
        said.append("RandAugment is left out")
    if "CutOut" in kinds:
        said.append("CutOut's squares are one erased rectangle an image")
    return said
