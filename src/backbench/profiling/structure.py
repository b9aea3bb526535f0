"""The module tree of one pass as rows, from a trace: shapes, parameters, MACs, bytes, receptive fields."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from backbench.profiling.counted import IMAGE, Module, Structure
from backbench.profiling.module_stack import aliases, level, modules_to
from backbench.profiling.receptive_field import Field
from backbench.profiling.tracing import Seen, Trace, size_of, trace

if TYPE_CHECKING:
    import torch
    from torch import nn

READS_VALUES = "its path depends on the values: counted on one random input, which was computed"


def structure(
    model: nn.Module, shape: tuple[int, ...], dtype: torch.dtype | None = None, notes: tuple[str, ...] = ()
) -> Structure:
    """What one pass of a batch N × C × H × W does. Raises what the network raises at this size."""
    found = trace(model, shape, dtype)
    totals = inside(found)
    also = aliases(model)
    modules = [
        row(path, module, found.seen[path], totals[path], also.get(path, ()))
        for path, module in modules_to(model).items()
    ]
    return Structure(
        modules=tuple(modules),
        steps=tuple(found.steps),
        parameters=parameters(model),
        weight_bytes=sum(map(size_of, model.parameters())),
        buffer_bytes=sum(map(size_of, model.buffers())),
        input_bytes=found.input_bytes,
        computed=found.values,
        notes=(*notes, *((READS_VALUES,) if found.values else ())),
    )


def row(path: str, module: nn.Module, seen: Seen, totals: tuple[int, int, int], also: tuple[str, ...]) -> Module:
    macs, read, written = totals
    return Module(
        path=path,
        kind=type(module).__name__,
        depth=level(path),
        calls=seen.calls,
        outputs=tuple(seen.outputs),
        parameters=parameters(module),
        macs=macs,
        read=read,
        written=written,
        output_bytes=seen.output_bytes,
        receptive_field=pixels(seen.field),
        also=also,
    )


def inside(found: Trace) -> dict[str, tuple[int, int, int]]:
    """Path → MACs, bytes read and written by the operators that ran inside of it, at any depth."""
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for step in found.steps:
        for path in step_parents(step.path):
            for place, count in enumerate((step.macs, step.read, step.written)):
                totals[path][place] += count
    return defaultdict(lambda: (0, 0, 0), {path: (counts[0], counts[1], counts[2]) for path, counts in totals.items()})


def step_parents(path: str) -> list[str]:
    """`a.b` → "", "a", "a.b"."""
    steps = path.split(".") if path else []
    return ["", *(".".join(steps[: place + 1]) for place in range(len(steps)))]


def parameters(module: nn.Module) -> int:
    return sum(tensor.numel() for tensor in module.parameters())


def pixels(field: Field | None) -> tuple[int, int] | str | None:
    return None if field is None else IMAGE if field.image else field.size
