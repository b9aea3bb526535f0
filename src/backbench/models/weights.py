"""Weights in and out: safetensors, and `.pt`/`.pth` of tensors only. Nothing is ever unpickled beyond tensors.

Everything is compared before anything is loaded, so a network is never left half loaded. Tensors that a network
shares are stored once; the file's metadata names the alias.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.errors import WeightsError
from backbench.spec.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import Tensor, nn

COUNTER = ".num_batches_tracked"  # batch norm's count of steps: older files lack it, and it changes no output
NESTED = ("state_dict", "model_state_dict", "model")  # where training scripts put the weights in a checkpoint


def load_weights(model: nn.Module, path: Path, *, strict: bool = True) -> dict[str, Any]:
    """Loads a file of weights by name; see `load_given`."""
    return load_given(model, WeightsFile(path=path, strict=strict))


def load_given(model: nn.Module, given: WeightsFile) -> dict[str, Any]:
    """Loads what a cell says of a weights file; stored fp16 or bf16 is cast to the network's type.

    `strict=false` leaves keys that only one side has (a batch norm that was folded away): the network keeps its own
    values there. Gives {"file", "sha256", "tensors", "missing", "unexpected"}. Raises WeightsError.
    """
    path, wanted = given.path, model.state_dict()
    state = READINGS[given.match](path, wanted)
    head = head_of(path, wanted, state) if given.head == "new" else []
    state = {key: tensor for key, tensor in state.items() if key not in head}
    missing, unexpected = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    needed = [key for key in missing if not key.endswith(COUNTER) and key not in head]
    if given.strict and (needed or unexpected):
        raise WeightsError(f"{path} holds the weights of another network: {keys_differ(needed, unexpected)}")
    common = {key: tensor for key, tensor in state.items() if key in wanted}
    if not common:
        raise WeightsError(f"{path} holds the weights of another network: no key is the same")
    refuse_shapes(path, wanted, common)
    model.load_state_dict(common, strict=False)
    return {
        "file": path.name,
        "sha256": sha256(path),
        "tensors": len(common),
        "missing": missing,
        "unexpected": unexpected,
    }


def by_name(path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return read_weights(path)


def by_order(path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors under the network's names, place by place; a batch norm's counter takes no place."""
    names = [key for key in wanted if not key.endswith(COUNTER)]
    tensors = [tensor for key, tensor in read_weights(path).items() if not key.endswith(COUNTER)]
    if len(names) != len(tensors):
        raise WeightsError(f"{path} holds {len(tensors)} tensors, the network {len(names)}: the order can't tell them")
    return dict(zip(names, tensors, strict=True))


READINGS = {"name": by_name, "order": by_order}


def head_of(path: Path, wanted: Mapping[str, Tensor], state: dict[str, Tensor]) -> list[str]:
    """The keys of a head that is for other classes. Raises WeightsError where it can't be told."""
    common = {key: tensor for key, tensor in state.items() if key in wanted}
    other = [key for key, tensor in common.items() if tensor.shape != wanted[key].shape]
    if not other:
        raise WeightsError(f"{path} has a head of the same classes: head=new would throw nothing away, leave it out")
    if other_classes(other, wanted, common) is None:
        refuse_shapes(path, wanted, common)
    return other


def save_weights(model: nn.Module, path: Path) -> None:
    """All parameters and buffers as safetensors, written whole or not at all. Raises OSError, WeightsError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    stored, aliases = without_aliases(model.state_dict())
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(stored, partial, metadata=aliases)
        os.replace(partial, path)
    except SafetensorError as error:
        raise WeightsError(f"the weights could not be written to {path}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def without_aliases(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors that are the same memory once, and alias → the key that is kept."""
    stored: dict[str, Tensor] = {}
    aliases: dict[str, str] = {}
    seen: dict[tuple[Any, ...], str] = {}
    for key, tensor in state.items():
        where = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() and where in seen:
            aliases[key] = seen[where]
            continue
        seen[where] = key
        stored[key] = tensor.detach().cpu().contiguous()
        if stored[key].untyped_storage().nbytes() != stored[key].nbytes:  # a view into a larger tensor
            stored[key] = stored[key].clone()
    return stored, aliases


def read_weights(path: Path) -> dict[str, Tensor]:
    """Key → tensor on the CPU. Raises WeightsError where the file is missing, broken, or more than weights."""
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}")
    reader = READERS.get(path.suffix)
    if reader is None:
        raise WeightsError(f"{path}: weights are {', '.join(READERS)} files")
    return without_prefix(reader(path))


def read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            aliases = file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is truncated or no safetensors file: {error}") from error
    return state | {alias: state[kept] for alias, kept in aliases.items() if kept in state}


def read_pickle(path: Path) -> dict[str, Tensor]:
    """A `.pt` of tensors; anything else in it is refused by torch's restricted unpickler, never executed."""
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the pickle's version: what is wrong is told in one sentence below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken pickle can raise anything
        raise WeightsError(f"{path} {why_unreadable(error)}") from error
    for key in NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} holds a {type(content).__name__}, not a state dict of names and tensors")
    odd = [key for key, value in content.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise WeightsError(f"{path} is no state dict: {odd[0]!r} is a {type(content[odd[0]]).__name__}, not a tensor")
    return dict(content)


READERS = {".safetensors": read_safetensors, ".pt": read_pickle, ".pth": read_pickle, ".bin": read_pickle}


def why_unreadable(error: Exception) -> str:
    from pickle import UnpicklingError

    if isinstance(error, UnpicklingError) and "weights_only" in str(error).lower():
        return "holds more than tensors and was not opened: save model.state_dict() instead, or use safetensors"
    return "is truncated or no weights file"


def without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """DataParallel and torch.compile put a prefix before every key."""
    for prefix in ("module.", "_orig_mod."):
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    return state


def keys_differ(missing: list[str], unexpected: list[str]) -> str:
    """How many keys and the first three, on each side."""
    sides = (("missing in the file", missing), ("unknown to the network", unexpected))
    return "; ".join(
        f"{len(keys)} {side} ({', '.join(keys[:3])}{', …' if len(keys) > 3 else ''})" for side, keys in sides if keys
    )


def refuse_shapes(path: Path, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Raises WeightsError where a tensor has another shape or is no float where the network's is one."""
    wrong = [key for key, tensor in found.items() if tensor.shape != wanted[key].shape]
    classes = other_classes(wrong, wanted, found)
    if classes:
        raise WeightsError(f"{path} is for {classes[0]} classes, the network has {classes[1]}")
    if wrong:
        key = wrong[0]
        shapes = f"{tuple(found[key].shape)} in the file, {tuple(wanted[key].shape)} in the network"
        raise WeightsError(f"{path} does not fit the network: {len(wrong)} shapes differ, first {key!r}: {shapes}")
    kinds = [key for key, tensor in found.items() if tensor.is_floating_point() != wanted[key].is_floating_point()]
    if kinds:
        raise WeightsError(f"{path} does not fit the network: {kinds[0]!r} is stored as {found[kinds[0]].dtype}")


def other_classes(
    wrong: list[str], wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> tuple[int, int] | None:
    """(the file's classes, the network's) where only a head differs: at most two layers, in their outputs alone."""
    pairs = {(found[key].shape[:1], wanted[key].shape[:1]) for key in wrong}
    inner = all(found[key].dim() and found[key].shape[1:] == wanted[key].shape[1:] for key in wrong)
    if len(pairs) != 1 or not inner or len(wrong) > 4:
        return None
    ((theirs, ours),) = pairs
    return theirs[0], ours[0]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
