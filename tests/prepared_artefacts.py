"""Artefacts of tiny networks on the digits, for the tests of artefacts, runtimes and techniques.

They share one cache for the whole test session: artefacts are named by their content, so each is made once.
"""

from __future__ import annotations

from pathlib import Path

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.prepare import prepare
from backbench.runtimes import REGISTRY
from backbench.settings import Settings
from backbench.spec.cell import Cell

NETWORK = "resnet20"
TRANSFORMER = "vit_mini:dim=32,depth=2,heads=2,mlp=2"
QUANTIZE = "quantize_static:route=onnxruntime"
PRUNE = "prune_unstructured:amount=0.5"


def cell_of(runtime: str = "eager", technique: str = "none", model: str = NETWORK, **fields: object) -> Cell:
    fixed = {"model": model, "dataset": "digits", "runtime": runtime, "technique": technique, **fields}
    return Cell.model_validate(fixed)


def prepared(cell: Cell, cache: Path) -> Artefact:
    return prepare(cell, Settings(cache=cache), lambda text: None, format=REGISTRY.get(cell.runtime.name).format)
