"""Evidence of change (rule 17): what a technique made of its parent, as separate verdicts.

A mask removes nothing: zeros lower `nonzero` and leave `stored`, bytes and MACs alone, and each has its own verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.artefacts.cost import file_parameters, module_macs, module_parameters
from backbench.artefacts.onnx_macs import count
from backbench.artefacts.operators import QUANTIZING, integer, operators
from backbench.spec.choice import Choice
from backbench.techniques.chain import quantizes

if TYPE_CHECKING:
    from torch import nn

Facts = dict[str, Any]
VERDICTS: dict[str, Callable[[Facts], int]] = {
    "fewer_parameters": lambda facts: facts["stored"],
    "more_zeros": lambda facts: facts["nonzero"] - facts["stored"],  # removed weights are no zeros
    "smaller_file": lambda facts: facts["bytes"],
    "fewer_macs": lambda facts: facts["macs"],
}  # verdict → what must be smaller than the parent's


def module_facts(model: nn.Module, shape: tuple[int, int, int]) -> Facts:
    """stored, nonzero, subnormal, bytes, macs, and the shape of every parameter."""
    found = module_parameters(model)
    return {
        "stored": found["stored"],
        "nonzero": found["nonzero"],
        "subnormal": found["subnormal"],
        "bytes": found["weights_bytes"],
        "macs": sum(module_macs(model, shape).values()),
        "shapes": {name: list(tensor.shape) for name, tensor in model.named_parameters()},
    }


def file_facts(path: Path) -> Facts:
    """The same of an exported file, with its integer and quantizing operators."""
    found, nodes = file_parameters(path), operators(path)
    return {
        "stored": found["stored"],
        "nonzero": found["nonzero"],
        "subnormal": found["subnormal"],
        "bytes": sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*")),
        "macs": count(path).total,
        "integer_operators": integer(nodes),
        "quantizing_operators": sum(nodes[name] for name in QUANTIZING),
    }


def step(choice: Choice, stage: str, parent: Facts, child: Facts, notes: Mapping[str, Any]) -> dict[str, Any]:
    """One technique's evidence."""
    before, after = parent.get("shapes", {}), child.get("shapes", {})
    return {
        "technique": str(choice),
        "stage": stage,
        "notes": dict(notes),
        "parent": without_shapes(parent),
        "child": without_shapes(child),
        "shapes_changed": {}
        if quantizes(choice)  # it may fold and rename weights, and changes the shape of none
        else {name: [before.get(name), shape] for name, shape in after.items() if before.get(name) != shape},
        "verdicts": {verdict: "yes" if of(child) < of(parent) else "no" for verdict, of in VERDICTS.items()},
    }


def without_shapes(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if name != "shapes"}
