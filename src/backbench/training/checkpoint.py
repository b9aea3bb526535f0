"""A checkpoint is one safetensors file: tensors as tensors, everything else as JSON in the file's header. No pickle.

It is written beside its place and renamed: a kill at any moment leaves the old one or the new one, never half of one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.errors import WeightsError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def save(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Writes `tensors` and the JSON `state` to `path`, atomically and durably."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    apart = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        save_file(apart, partial, metadata={"state": json.dumps(state)})
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the state. Raises WeightsError where the file is no checkpoint."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {})["state"])
            return {name: file.get_tensor(name) for name in file.keys()}, state  # noqa: SIM118
    except (SafetensorError, KeyError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is no checkpoint of backbench: {error}") from None


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as flat names `optimizer.<parameter>.<key>`."""
    return {
        f"optimizer.{index}.{key}": value
        for index, entry in optimizer.state_dict()["state"].items()
        for key, value in entry.items()
        if value is not None
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Puts back what `optimizer_tensors` took; hyperparameters stay the recipe's.

    A file keeps no memory format, and fused optimizers walk through weight, gradient and moments as they lie in
    memory: what belongs to a weight in channels last must be laid out like it, or other elements would meet.
    """
    import torch

    entries: dict[int, dict[str, Tensor]] = {}
    for name, tensor in section(tensors, "optimizer").items():
        index, _, key = name.partition(".")
        entries.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": entries, "param_groups": optimizer.state_dict()["param_groups"]})
    for weight, state in optimizer.state.items():
        for key, tensor in state.items():
            if tensor.shape == weight.shape:
                state[key] = torch.empty_like(weight).copy_(tensor)


def section(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix.`, without it."""
    return {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}


def named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}
