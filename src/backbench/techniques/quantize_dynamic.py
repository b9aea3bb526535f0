"""Dynamic quantization: int8 weights of matrix products, activations quantized call by call with their own ranges.

It needs no calibration, and serves networks whose time is in matrix products: transformers. Convolutions stay fp32; of a convolutional
network only the head changes, and the evidence says how little that is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from backbench.techniques.routes import onnxruntime_int8, pt2e, route_for
from backbench.techniques.technique import Context, Stage, Technique

if TYPE_CHECKING:
    from torch import nn

Route = Literal["onnxruntime", "torchao"]
ROUTES: dict[str, tuple[Route, ...]] = {"onnxruntime": ("onnxruntime",), "compile": ("torchao",)}


class QuantizeDynamic(Technique):
    """`per_channel`: one scale for each output of a weight, else one a tensor (route onnxruntime; torchao's is always
    per channel).
    """

    stage: ClassVar[Stage] = "graph"
    lowers_precision: ClassVar[bool] = True
    tolerance: ClassVar[str | None] = "int8"

    per_channel: bool = True
    route: Route | None = None

    def works_on(self) -> Stage:
        return "module" if self.route == "torchao" else "graph"

    def resolve(self, runtime: str) -> QuantizeDynamic:
        return self.model_copy(update={"route": route_for("quantize_dynamic", ROUTES, runtime, self.route)})

    def apply_file(self, source: Path, target: Path, context: Context) -> None:
        onnxruntime_int8.dynamic(source, target, per_channel=self.per_channel)

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        converted, found = pt2e.quantized(model, context.shape, (), dynamic=True)
        context.notes.update(found)
        return converted

    def rebuild(self, model: nn.Module, notes: dict[str, Any]) -> nn.Module:
        return pt2e.rebuilt(model, notes, dynamic=True)
