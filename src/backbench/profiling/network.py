"""The network of a profile: built from its cell, wrapped into eager's session; what its size did to its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backbench.data import load_dataset
from backbench.errors import BackbenchError, UsageError
from backbench.profiling.counted import Shape, Structure, shape_text
from backbench.profiling.sizes_that_work import nearest, smallest
from backbench.profiling.structure import structure
from backbench.runtimes.eager import Eager, EagerSession, placed
from backbench.runtimes.torch_session import DTYPES, use_device
from backbench.settings import Settings
from backbench.spec.cell import Cell

if TYPE_CHECKING:
    import torch
    from torch import nn

USUAL = ((224, 224), (32, 32))  # sizes that a network's weights may have been made for


def build_network(cell: Cell, settings: Settings, size: tuple[int, int] | None = None) -> nn.Module:
    """The cell's network in eval mode with its weights; `size` is another height and width. Raises as `build` does."""
    from pathlib import Path

    import torch

    from backbench.models.build import build, load_weights

    shape = input_of(cell)
    torch.manual_seed(cell.seed)
    model = build(
        cell.model,
        num_classes=classes_of(cell, settings),
        in_channels=shape[1],
        input_size=size or (shape[2], shape[3]),
        pretrained=cell.weights == "pretrained",
    )
    if cell.weights not in (None, "random", "pretrained"):
        load_weights(model, Path(cell.weights))
    return model


def changed(cell: Cell, **fields: Any) -> Cell:
    """The cell with other values; a copy would carry the old cell's id along."""
    return Cell(**{name: getattr(cell, name) for name in Cell.model_fields} | fields)


def input_of(cell: Cell) -> Shape:
    """N, C, H, W. Raises UsageError where the cell leaves its input open."""
    if cell.input is None:
        raise UsageError("profile: name an input (input: 1x3x224x224, or --input, or --preset)")
    return cell.input


def classes_of(cell: Cell, settings: Settings) -> int:
    if cell.dataset.name == "random":
        return int(cell.dataset.options["classes"])
    return len(load_dataset(cell.dataset, settings).classes)


def dtype_of(cell: Cell) -> torch.dtype:
    """What eager computes in; other runtimes' networks are looked at in fp32."""
    import torch

    if cell.runtime.name != "eager":
        return torch.float32
    found: torch.dtype = getattr(torch, DTYPES[eager_of(cell).precision])
    return found


def open_network(cell: Cell, model: nn.Module) -> EagerSession:
    """Eager's own session around a network that was built here; moves the network to its device, in place."""
    runtime = eager_of(cell)
    use_device(runtime.label(), cell.device, cell.threads)
    return EagerSession(runtime, placed(model, cell.device, runtime.precision, runtime.channels_last), cell.device)


def eager_of(cell: Cell) -> Eager:
    return Eager(**cell.runtime.options) if cell.runtime.name == "eager" else Eager()


def structure_of(cell: Cell, settings: Settings) -> Structure:
    """What a pass does at the cell's size. Raises UsageError that names a size that works where this one does not."""
    shape = input_of(cell)
    try:
        model = build_network(cell, settings).to(dtype_of(cell))
        return structure(model, shape, dtype_of(cell), made_for_size(cell, settings, model))
    except BackbenchError as error:
        if not takes_another(cell, settings):
            raise
        raise UsageError(other_sizes(cell, settings, str(error))) from None
    except Exception as error:  # a network may raise anything
        raise UsageError(other_sizes(cell, settings, f"{type(error).__name__}: {first_line(error)}")) from error


def other_sizes(cell: Cell, settings: Settings, why: str) -> str:
    """One sentence: the refusal, the smallest size that works, and the nearest one."""
    height, width = input_of(cell)[2:]

    def fits(high: int, wide: int) -> bool:
        return goes_through(cell, settings, (high, wide))

    least = smallest(fits)
    refused = f"{cell.model} can't take {shape_text(input_of(cell))}: {why}"
    if least is None:
        return f"{refused}; no square up to 1024 px works either"
    near = nearest(fits, height, width)
    hint = f", the nearest to what was asked for {near[0]}×{near[1]}" if near and near != (least, least) else ""
    return f"{refused}; the smallest that works is {least}×{least}{hint}"


def takes_another(cell: Cell, settings: Settings) -> bool:
    """Whether the network can be built at any usual size: then its refusal is about the size."""
    return any(goes_through(cell, settings, size) for size in USUAL)


def goes_through(cell: Cell, settings: Settings, size: tuple[int, int]) -> bool:
    """Whether one image of this size can be followed through the network, built for it with random weights."""
    from backbench.profiling.tracing import trace

    random = changed(cell, weights="random")
    try:
        trace(build_network(random, settings, size), (1, input_of(cell)[1], *size))
    except Exception:  # whatever it raises, it does not take this size
        return False
    return True


def made_for_size(cell: Cell, settings: Settings, model: nn.Module) -> tuple[str, ...]:
    """Which weights exist for this input size only (position tables), and how they came about."""
    for size in USUAL:
        try:
            usual = build_network(changed(cell, weights="random"), settings, size)
        except Exception:  # not a size of this network: another one is looked at
            continue
        there = dict(usual.named_parameters())
        sized = [
            f"{name} {shape_text(tuple(tensor.shape))} (at {size[0]}×{size[1]} {shape_text(tuple(there[name].shape))})"
            for name, tensor in model.named_parameters()
            if name in there and there[name].shape != tensor.shape
        ]
        return (sized_note(sized, cell.weights == "pretrained"),) if sized else ()
    return ()


def sized_note(sized: list[str], pretrained: bool) -> str:
    how = "interpolated from the published ones" if pretrained else "made anew, with random values"
    return f"a network of a fixed input size: its positions are {how} for this one: {', '.join(sized[:4])}"


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300].rstrip(".") if lines else "no reason given"


def refuse_parts(cell: Cell) -> None:
    """Raises UsageError for what a profile does not look at."""
    if cell.technique or cell.recipe:
        raise UsageError(f"profile: {cell.label}: techniques and recipes are not profiled; name the plain network")
