"""Training a network on from where it stands: after pruning, or from a teacher. Kept and continued as trained weights are.

<cache>/trained/<key>/, where the key is what the result is made from: the network by content (tensors and structure), the
images, the recipe, the seed, the teacher by content. Asked for again it is there; killed, it is continued.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.models.build import load_weights, save_weights
from backbench.models.weights import sha256
from backbench.records.environment import packages, tool
from backbench.records.manifest import write_training_manifest
from backbench.records.store import write_json
from backbench.settings import Settings
from backbench.spec.cell import digest
from backbench.training.batches import Pixels
from backbench.training.determinism import refuse_chance, repeatable
from backbench.training.distillation import Distilling, Teacher
from backbench.training.evaluate import accuracy
from backbench.training.loop import Trained, train
from backbench.training.recipe import Recipe
from backbench.training.store import alone, finished, repeated


@dataclass(frozen=True)
class Further:
    """What is trained, on what, and how.

    `hold_zeros`: weights of two and more dimensions that are zero stay zero, so that a mask outlives its training.
    """

    network: nn.Module
    dataset: Dataset
    preprocessing: Preprocessing
    recipe: Recipe
    seed: int
    settings: Settings
    device: str = "cpu"
    teacher: Teacher | None = None
    hold_zeros: bool = False
    tell: Callable[[str], None] = lambda text: None

    def key(self) -> dict[str, Any]:
        """What decides the result."""
        return {
            "start": content(self.network),
            "dataset": self.dataset.checksum,
            "validation": len(self.dataset.validation),
            "recipe": self.recipe.identity(),
            "seed": self.seed,
            "preprocessing": self.preprocessing.model_dump(mode="json"),
            "teacher": None if self.teacher is None else self.teacher.key(),
            "max_memory": self.settings.max_memory,  # batch norm sees the micro-batches that it makes
            "hold_zeros": self.hold_zeros,
            **repeated(self.settings),
        }


def train_further(wanted: Further) -> tuple[nn.Module, dict[str, Any]]:
    """Another network of the same shape, trained; and its provenance. The given one is left as it was.

    Raises TrainingDiverged, DataError.
    """
    key = wanted.key()
    folder = wanted.settings.cache / "trained" / digest(key)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        about = finished(folder)
        if about is None:
            with repeatable(wanted.settings):
                about = keep(run(wanted, folder), wanted, key, folder)
    result = copy.deepcopy(wanted.network)
    load_weights(result, folder / "weights.safetensors")
    return result.eval(), about


def run(wanted: Further, folder: Path) -> Trained:
    """The training itself, on a copy; it continues from what lies in `folder`."""
    network = copy.deepcopy(wanted.network).requires_grad_(True).to(wanted.device)
    if wanted.hold_zeros:
        hold(network)
    shape = (wanted.preprocessing.channels, *wanted.preprocessing.size)
    refuse_chance(wanted.settings, wanted.recipe, network, shape)
    taught: dict[str, Any] = {} if wanted.teacher is None else {"loop": partial(Distilling, teacher=wanted.teacher)}
    return train(
        network, wanted.dataset, wanted.preprocessing, wanted.recipe, seed=wanted.seed, folder=folder,
        device=wanted.device, max_memory=wanted.settings.max_memory, keep_start=True,
        tell=lambda progress: wanted.tell(str(progress)),
        **taught,
    )  # fmt: skip


def keep(trained: Trained, wanted: Further, key: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Writes the weights, then their provenance; removes what was there to continue from."""
    path = folder / "weights.safetensors"
    save_weights(trained.model, path)
    about = {
        "key": key,
        "weights_sha256": sha256(path),
        "recipe": wanted.recipe.model_dump(mode="json"),
        "seed": wanted.seed,
        "dataset": {"name": wanted.dataset.name, "title": wanted.dataset.title, "sha256": wanted.dataset.checksum},
        "tool": tool(),
        "packages": packages(),
        "evaluations_on_test": 0,
        "deterministic": wanted.settings.deterministic,
        **trained.about,
        "validation_before": validated(wanted.network, wanted),
        "teacher": None if wanted.teacher is None else taught_by(wanted.teacher, wanted),
    }
    write_training_manifest(folder, about, wanted.settings)
    write_json(folder / "training.json", about)
    for name in ("last.safetensors", "best.safetensors"):
        (folder / name).unlink(missing_ok=True)
    return about


def taught_by(teacher: Teacher, wanted: Further) -> dict[str, Any]:
    """The teacher, and how good it is itself on the validation part."""
    return {**teacher.key(), "validation_accuracy": validated(teacher.model.cpu().eval(), wanted)}


def validated(network: nn.Module, wanted: Further) -> float:
    """Accuracy on the validation part, by which the epoch is selected."""
    return accuracy(network, Pixels(wanted.dataset.validation, wanted.preprocessing))


def content(network: nn.Module) -> str:
    """SHA-256 of the structure (classes, what they print, plain attributes) and of every tensor with its name and type."""
    found = hashlib.sha256(str(network).encode())
    for name, module in network.named_modules():
        plain = sorted((key, value) for key, value in vars(module).items() if isinstance(value, (int, float, str)))
        found.update(f"\0{name} {type(module).__module__}.{type(module).__qualname__} {plain}".encode())
    for name, tensor in network.state_dict().items():
        found.update(f"\0{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def hold(network: nn.Module) -> None:
    """From now on gradients leave zero weights at zero: decay, momentum and average of zero are zero."""
    for weight in network.parameters():
        if weight.dim() >= 2 and bool((weight == 0).any()):
            weight.register_hook(partial(torch.mul, (weight.detach() != 0).to(weight.dtype)))


def zeros(network: nn.Module) -> int:
    """How many weights of two and more dimensions are zero."""

    def count(tensor: Tensor) -> int:
        return int((tensor == 0).sum())

    return sum(count(weight) for weight in network.parameters() if weight.dim() >= 2)
