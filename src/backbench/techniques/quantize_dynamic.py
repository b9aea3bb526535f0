"""Dynamic quantization: int8 weights of matrix products, activations quantized call by call with their own ranges.

It needs no calibration, and serves networks whose time is in matrix products: transformers. Convolutions stay fp32; of a convolutional
network only the head changes, and the evidence says how little that is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from backbench.techniques.routes import halved, onnxruntime_int8, pt2e, route_for
from backbench.techniques.technique import Context, Stage, Technique

if TYPE_CHECKING:
    from torch import nn

Route = Literal["onnxruntime", "torchao"]
ROUTES: dict[str, tuple[Route, ...]] = {"onnxruntime": ("onnxruntime",), "compile": ("torchao",)}


class QuantizeDynamic(Technique):
    """`per_channel`: one scale for each output of a weight, else one a tensor (route onnxruntime; torchao's is always
    per channel); `reduce_range`: weights of 7 bits, whose products don't saturate on x86 without VNNI or AMX; null for what the
    processor needs that reads the study.
    """

    stage: ClassVar[Stage] = "graph"
    lowers_precision: ClassVar[bool] = True
    tolerance: ClassVar[str | None] = "int8"

    per_channel: bool = True
    reduce_range: bool | None = None
    route: Route | None = None

    def works_on(self) -> Stage:
        return "module" if self.route == "torchao" else "graph"

    def resolve(self, runtime: str) -> QuantizeDynamic:
        route = route_for("quantize_dynamic", ROUTES, runtime, self.route)
        return self.model_copy(update={"route": route, "reduce_range": halved(self.reduce_range)})

    def apply_file(self, source: Path, target: Path, context: Context) -> None:
        reduced = halved(self.reduce_range)
        onnxruntime_int8.dynamic(source, target, per_channel=self.per_channel, reduce_range=reduced)

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        converted, found = pt2e.quantized(
            model, context.shape, (), dynamic=True, reduce_range=halved(self.reduce_range)
        )
        context.notes.update(found)
        return converted

    def rebuild(self, model: nn.Module, notes: dict[str, Any]) -> nn.Module:
        return pt2e.rebuilt(model, notes, dynamic=True, reduce_range=halved(self.reduce_range))
