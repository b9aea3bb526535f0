"""The first half of preparing: the network of a cell, with its techniques applied, on disk and shared by every format.

    <cache>/networks/<id>/   weights.safetensors · inputs.npy · labels.npy · reference.npy · network.json (facts, steps, MACs)
    <cache>/exports/<id>/    model.onnx (+ .data) of that network

Eager, ONNX fp32 and int8 of one network build it once and export it once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.evidence import module_facts, step
from backbench.artefacts.export import WEIGHTS, exporter, target
from backbench.artefacts.origin import Origin
from backbench.artefacts.rebuild import rebuild
from backbench.artefacts.store import once
from backbench.data.dataset import Dataset
from backbench.data.inputs import test_batch
from backbench.data.preprocessing import Preprocessing
from backbench.settings import Settings
from backbench.spec.cell import Cell, Chain, digest
from backbench.techniques import REGISTRY
from backbench.techniques.chain import content, of_stage, quantizes
from backbench.techniques.technique import Context

if TYPE_CHECKING:
    from torch import nn

INPUTS = 256  # rule 6: at least so many distinct inputs
INPUT_SEED = 0  # every network of a dataset and an input size sees the same images in the same order
BATCH = 32  # of the reference; it changes no logit beyond rounding
INPUT_FILES = ("inputs.npy", "labels.npy", "reference.npy")


@dataclass(frozen=True)
class Plan:
    """Everything that a cell's network is made from, read and checked, nothing built."""

    cell: Cell
    dataset: Dataset
    preprocessing: Preprocessing
    origin: Origin
    key: dict[str, Any]  # of the network: without the format and the graph's techniques
    settings: Settings
    progress: Callable[[str], None]

    @property
    def cache(self) -> Path:
        return self.settings.cache

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H, W"""
        return (self.preprocessing.channels, *self.preprocessing.size)

    @property
    def chain(self) -> Chain:
        return of_stage(self.cell.technique, "module")

    def before_techniques(self) -> Plan:
        """The same network with nothing done to it."""
        cell = self.cell.model_copy(update={"technique": ()})
        return replace(self, cell=cell, key={**self.key, "technique": [], "named": content(())})

    def context(self, original: nn.Module | None = None, earlier: Sequence[dict[str, Any]] = ()) -> Context:
        """A fresh one for each technique: its notes are that technique's. `original`: the network before the chain."""
        return Context(
            self.dataset,
            self.preprocessing,
            self.cell.seed,
            device=self.cell.device,
            progress=self.progress,
            settings=self.settings,
            original=original,
            earlier=tuple(earlier),
        )


def network_folder(plan: Plan) -> Path:
    """The network of this plan on disk; made where it is not there."""
    return once(plan.cache / "networks" / digest(plan.key), lambda folder: make(plan, folder))


def export_folder(plan: Plan, format: str) -> Path:
    """The network in this format; made where it is not there. Raises BackbenchError where it can't be exported."""
    network = network_folder(plan)

    def export(folder: Path) -> None:
        plan.progress(f"{plan.cell.model}: export to {format}")
        exporter(format)(reopen(plan, network), plan.shape, folder, plan.cell.device)

    return once(export_place(plan, format), export)


def export_place(plan: Plan, format: str) -> Path:
    """Where that folder is, or would be."""
    key = {**plan.key, "format": format, **target(format, plan.cell.device)}
    return plan.cache / "exports" / digest(key)


def about(folder: Path) -> dict[str, Any]:
    """{parameters, macs, steps} of a network on disk."""
    found: dict[str, Any] = json.loads((folder / "network.json").read_text())
    return found


def reopen(plan: Plan, folder: Path) -> nn.Module:
    return rebuild(
        plan.cell.model,
        num_classes=len(plan.dataset.classes),
        shape=plan.shape,
        technique=plan.chain,
        steps=about(folder)["steps"],
        weights=folder / WEIGHTS,
    )


def make(plan: Plan, folder: Path) -> None:
    """Builds, weighs, transforms, and writes the reference: the logits before the first quantizing step."""
    from backbench.artefacts.cost import module_macs, module_parameters

    plan.progress(f"{plan.cell.model}: build")
    model = original = weighted(plan)
    inputs, labels, _ = test_batch(plan.dataset, plan.preprocessing, INPUTS, INPUT_SEED)
    reference, last = None, module_facts(model, plan.shape)
    steps: list[dict[str, Any]] = []
    for choice in plan.chain:
        if reference is None and quantizes(choice):
            reference = logits(model, inputs, len(plan.dataset.classes))
        plan.progress(f"{plan.cell.model}: {choice}")
        context = plan.context(original, steps)
        model = REGISTRY.build(choice).apply(model, context)
        facts = module_facts(model, plan.shape)
        steps.append(step(choice, "module", last, facts, context.notes))
        last = facts
    if reference is None:
        plan.progress(f"{plan.cell.model}: reference of {len(inputs)} inputs")
        reference = logits(model, inputs, len(plan.dataset.classes))
    arrays: tuple[NDArray[Any], ...] = (inputs, labels, reference)
    for name, array in zip(INPUT_FILES, arrays, strict=True):
        np.save(folder / name, array, allow_pickle=False)
    exporter("module")(model, plan.shape, folder, plan.cell.device)
    facts = {"parameters": module_parameters(model), "macs": dict(module_macs(model, plan.shape)), "steps": steps}
    (folder / "network.json").write_text(json.dumps(facts))


def weighted(plan: Plan) -> nn.Module:
    """The network with the weights of its origin."""
    import torch

    from backbench.models.build import build, load_given

    torch.manual_seed(plan.cell.seed)
    model = build(
        plan.cell.model,
        num_classes=len(plan.dataset.classes),
        in_channels=plan.shape[0],
        input_size=plan.preprocessing.size,
        pretrained=plan.origin.pretrained,
    )
    if plan.origin.file is not None:
        load_given(model, plan.origin.file)
    return model


def logits(model: nn.Module, inputs: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    """fp32, in eval mode: N × classes."""
    import torch

    model.eval()
    with torch.inference_mode():
        parts = [model(torch.from_numpy(inputs[start : start + BATCH])) for start in range(0, len(inputs), BATCH)]
    found = torch.cat(parts).numpy() if parts else np.empty((0, classes))
    return np.asarray(found, dtype=np.float32)
