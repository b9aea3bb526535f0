"""Weights stored in 16 bits: half the file. What it is computed in stays the runtime's own option.

`fp16` keeps 11 significant bits and ends at 65504; `bf16` keeps 8 and has fp32's range. The runtime widens the weights when it loads or
uses them, so nothing is faster by this alone, and the evidence says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from backbench.techniques.routes import route_for, stored_half
from backbench.techniques.technique import Context, Stage, Technique

if TYPE_CHECKING:
    from torch import nn

Route = Literal["file", "network"]
ROUTES: dict[str, tuple[Route, ...]] = {
    "onnxruntime": ("file",),
    "openvino": ("file",),
    "eager": ("network",),
    "torchscript": ("network",),
    "compile": ("network",),
}


class WeightsHalf(Technique):
    """`dtype`: how the weights are stored."""

    stage: ClassVar[Stage] = "graph"
    lowers_precision: ClassVar[bool] = True
    tolerance: ClassVar[str | None] = "bf16"

    dtype: Literal["fp16", "bf16"] = "fp16"
    route: Route | None = None

    def works_on(self) -> Stage:
        return "module" if self.route == "network" else "graph"

    def resolve(self, runtime: str) -> WeightsHalf:
        return self.model_copy(update={"route": route_for("weights_half", ROUTES, runtime, self.route)})

    def apply_file(self, source: Path, target: Path, context: Context) -> None:
        context.notes.update(narrowed=stored_half.file(source, target, self.dtype))

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        stored, count = stored_half.network(model, self.dtype)
        context.notes.update(narrowed=count)
        return stored

    def rebuild(self, model: nn.Module, notes: dict[str, Any]) -> nn.Module:
        return stored_half.network(model, self.dtype)[0]
