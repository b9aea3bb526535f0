"""An artefact folder without a network: real digits, and the fake runtime's logits as their reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from backbench.artefacts.artefact import Artefact
from backbench.data.preprocessing import Preprocessing
from backbench.runtimes.fake import fake_logits
from backbench.spec.cell import Cell
from backbench.spec.choice import Choice

CLASSES = tuple("0123456789")


def make_artefact(folder: Path, n: int = 32, **fields: Any) -> Artefact:
    """Written to the folder and opened from it; every field can be given."""
    preprocessing = Preprocessing(size=(8, 8), channels=1, mean=(0.3,), std=(0.4,))
    images = (load_digits().images[:n, :, :, None] * 15.9375).astype(np.uint8)
    inputs = preprocessing(images)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "inputs.npy", inputs)
    np.save(folder / "reference.npy", np.stack([fake_logits(image, len(CLASSES)) for image in inputs]))
    content: dict[str, Any] = {
        "id": "fake",
        "key": {},
        "format": "module",
        "model": Choice(name="resnet20"),
        "technique": (),
        "num_classes": len(CLASSES),
        "in_channels": 1,
        "input": (0, 1, 8, 8),
        "preprocessing": preprocessing,
        "classes": CLASSES,
        "files": ({"name": "weights.safetensors", "bytes": 1000, "sha256": "0" * 64, "deployable": True},),
        "trained": True,
        "parameters": {"stored": 10, "nonzero": 8, "trainable": 10, "subnormal": 0, "weights_bytes": 40},
        "cost": {"counters": {"flop_counter": 640, "onnx": 640}, "uncounted": [], "disputed": False},
        "evidence": {},
        "training": None,
        "inputs": {},
    }
    (folder / "artefact.json").write_text(Artefact(**{**content, **fields}).model_dump_json())
    return Artefact.open(folder)


def fake_cell(runtime: str = "fake", **fields: Any) -> Cell:
    return Cell.model_validate({"model": "resnet20", "dataset": "digits", **fields, "runtime": runtime})
