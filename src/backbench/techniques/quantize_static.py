"""Static post-training quantization: int8 weights, 8-bit activations with ranges from calibration images.

The calibration images are a seeded subset of *train*, recorded by name, indices and hash. Which library does it is the route, resolved
for the runtime when the study is read: see `techniques/routes`. Two routes work on the exported file, torchao's on the network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from backbench.errors import UsageError
from backbench.techniques import calibration
from backbench.techniques.routes import halved, nncf_int8, onnxruntime_int8, pt2e, route_for
from backbench.techniques.routes.onnx_file import input_of
from backbench.techniques.technique import Context, Stage, Technique

if TYPE_CHECKING:
    from torch import nn

Route = Literal["onnxruntime", "nncf", "torchao"]
Method = Literal["minmax", "percentile", "entropy", "histogram"]
ROUTES: dict[str, tuple[Route, ...]] = {
    "onnxruntime": ("onnxruntime", "nncf"),
    "openvino": ("nncf", "onnxruntime"),
    "compile": ("torchao",),
}
METHODS: dict[Route, tuple[Method, ...]] = {
    "onnxruntime": ("minmax", "percentile", "entropy"),
    "nncf": ("minmax",),
    "torchao": ("histogram",),
}  # how a route finds the range of activations, the usual way first


class QuantizeStatic(Technique):
    """`calibration`: images of train; `per_channel`: one scale for each output channel of a weight, else one a tensor;
    `method`: how ranges of activations are found, null for the route's own; `reduce_range`: weights of 7 bits, whose products
    don't saturate on x86 without VNNI or AMX; null for what the processor needs that reads the study.
    """

    stage: ClassVar[Stage] = "graph"
    lowers_precision: ClassVar[bool] = True
    tolerance: ClassVar[str | None] = "int8"

    calibration: Annotated[int, Field(ge=1)] = 256
    per_channel: bool = True
    method: Method | None = None
    reduce_range: bool | None = None
    route: Route | None = None

    def works_on(self) -> Stage:
        return "module" if self.route == "torchao" else "graph"

    def resolve(self, runtime: str) -> QuantizeStatic:
        route: Any = route_for("quantize_static", ROUTES, runtime, self.route)
        methods = METHODS[route]
        if self.method is not None and self.method not in methods:
            raise UsageError(
                f"technique quantize_static: route={route} has no method={self.method}; allowed: {', '.join(methods)}"
            )
        if route == "torchao" and not self.per_channel:
            raise UsageError("technique quantize_static: route=torchao quantizes weights per channel only")
        reduced = halved(self.reduce_range)
        return self.model_copy(update={"route": route, "method": self.method or methods[0], "reduce_range": reduced})

    def apply_file(self, source: Path, target: Path, context: Context) -> None:
        chosen = calibration.draw(context, self.calibration, "quantize_static")
        context.notes.update(calibration.notes(context, chosen))
        context.progress(f"quantize_static: {len(chosen)} calibration images")
        name, shape = input_of(source)
        size = 1 if self.route == "nncf" else calibration.BATCH  # NNCF takes the first side for one image's
        batches = calibration.batches(context, chosen, shape, size)
        context.notes.update(FILES[self.route or "onnxruntime"](self, source, target, name, batches))

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        chosen = calibration.draw(context, self.calibration, "quantize_static")
        context.progress(f"quantize_static: {len(chosen)} calibration images")
        batches = calibration.batches(context, chosen, context.shape)
        converted, found = pt2e.quantized(
            model, context.shape, batches, dynamic=False, reduce_range=halved(self.reduce_range)
        )
        context.notes.update(calibration.notes(context, chosen) | found)
        return converted

    def rebuild(self, model: nn.Module, notes: dict[str, Any]) -> nn.Module:
        return pt2e.rebuilt(model, notes, dynamic=False, reduce_range=halved(self.reduce_range))


def by_onnxruntime(part: QuantizeStatic, source: Path, target: Path, name: str, batches: Any) -> dict[str, Any]:
    images = onnxruntime_int8.Reader(name, batches)
    method = part.method or METHODS["onnxruntime"][0]
    reduced = halved(part.reduce_range)
    onnxruntime_int8.static(source, target, images, per_channel=part.per_channel, method=method, reduce_range=reduced)
    return {"bias_correction": None}


def by_nncf(part: QuantizeStatic, source: Path, target: Path, name: str, batches: Any) -> dict[str, Any]:
    reduced = halved(part.reduce_range)
    return nncf_int8.static(source, target, name, batches, per_channel=part.per_channel, reduce_range=reduced)


FILES: dict[str, Callable[[QuantizeStatic, Path, Path, str, Any], dict[str, Any]]] = {
    "onnxruntime": by_onnxruntime,
    "nncf": by_nncf,
}
