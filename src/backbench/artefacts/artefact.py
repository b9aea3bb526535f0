"""An artefact: the folder that `prepare` leaves, named by the hash of everything it was made from.

    <cache>/artefacts/<id>/
        artefact.json        this model, written last: a folder without it is unfinished
        weights.safetensors  what the eager runtime loads
        model.onnx (+ .data) or another exported graph, where the runtime needs one
        inputs.npy           real preprocessed inputs, float32 N × C × H × W, at least 256 where the dataset has them
        labels.npy           their labels (int64)
        reference.npy        eager fp32 logits of those inputs: what the gate compares with

Plain data and no torch: a process that measures ONNX Runtime opens it without importing torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PrivateAttr

from backbench.data.preprocessing import Preprocessing
from backbench.spec.cell import Chain
from backbench.spec.choice import Choice


class StoredFile(BaseModel):
    """One file of the artefact; `deployable` ones count into its size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    bytes: int
    sha256: str
    deployable: bool


class Artefact(BaseModel):
    """What is on disk and what is known of it without running it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    key: dict[str, Any]  # what the id is the hash of: inputs' content, options, tool versions
    format: str  # "module" (weights of a network that torch rebuilds) or "onnx", …
    model: Choice
    technique: Chain
    num_classes: int
    in_channels: int
    input: tuple[int, int, int, int]  # N (the batch it was exported with; 0 = any), C, H, W
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    files: tuple[StoredFile, ...]
    trained: bool  # whether the head was trained on this dataset: without that there is no accuracy
    parameters: dict[str, int]  # stored, nonzero, trainable, subnormal, weights_bytes
    cost: dict[str, Any]  # counters {name: MACs}, uncounted [...], disputed
    evidence: dict[str, Any]  # what each technique changed, against its parent
    training: dict[str, Any] | None  # recipe, seed, epochs, curve, evaluations on test, seconds
    inputs: dict[str, Any]  # weights sha256, dataset sha256, n, versions
    opset: int | None = None

    _folder: Path | None = PrivateAttr(default=None)

    @property
    def folder(self) -> Path:
        assert self._folder is not None
        return self._folder

    @classmethod
    def open(cls, folder: Path) -> Artefact:
        """The artefact in this folder. Raises FileNotFoundError where it is not finished."""
        artefact = cls.model_validate_json((folder / "artefact.json").read_text())
        artefact._folder = folder
        return artefact

    @property
    def bytes(self) -> int:
        """Bytes of the deployable file(s)."""
        return sum(file.bytes for file in self.files if file.deployable)

    def load_inputs(self) -> NDArray[np.float32]:
        return np.asarray(np.load(self.folder / "inputs.npy"), dtype=np.float32)

    def load_reference(self) -> NDArray[np.float32]:
        return np.asarray(np.load(self.folder / "reference.npy"), dtype=np.float32)
