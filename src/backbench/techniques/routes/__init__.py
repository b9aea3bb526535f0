"""Routes: which library quantizes for which runtime. A technique is named by the user, its route is resolved when the study is read.

| runtime       | static                                       | dynamic             |
|---------------|----------------------------------------------|---------------------|
| `onnxruntime` | its own quantizer (QDQ, U8S8), or NNCF       | its own, MatMul     |
| `openvino`    | NNCF on the exported graph, or ONNX Runtime's |                     |
| `compile`     | torchao PT2E for x86 (oneDNN's int8 kernels) | torchao PT2E        |

The file routes all leave QuantizeLinear/DequantizeLinear pairs in an ONNX file, which both ONNX Runtime and OpenVINO fuse into integer
kernels. Eager and TorchScript have no integer kernels for such graphs: there an int8 network computes in fp32, and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from backbench.errors import MissingDependency, UsageError
from backbench.records.environment import host, saturates

PACKAGES = {
    "onnxruntime": ("onnxruntime", "onnxruntime"),
    "nncf": ("nncf", "openvino"),
    "torchao": ("torchao", "torch"),
}  # route → what it needs beside backbench, and the extra that brings it
Routes = Mapping[str, Sequence[str]]  # runtime → the routes that serve it, the usual one first


def route_for(technique: str, routes: Routes, runtime: str, asked: str | None) -> str:
    """The route of this technique for this runtime.

    Raises UsageError where there is none, or not the one asked for; MissingDependency where its library is not installed.
    """
    serving = routes.get(runtime)
    if serving is None:
        raise UsageError(
            f"technique {technique}: there is no route for runtime {runtime!r}; routes exist for: {', '.join(routes)}"
        )
    if asked is not None and asked not in serving:
        raise UsageError(
            f"technique {technique}: route={asked} does not serve runtime {runtime!r}; allowed: {', '.join(serving)}"
        )
    return installed(technique, asked or serving[0])


def halved(asked: bool | None) -> bool:
    """Whether weights get half of their range, 7 of 8 bits: what is asked for, else what this processor's sums need."""
    return saturates(host()) if asked is None else asked


def installed(technique: str, route: str) -> str:
    """The route, if its library is there; imports nothing."""
    package, extra = PACKAGES.get(route, (None, ""))
    if package is not None and find_spec(package) is None:
        raise MissingDependency(f"technique {technique}, route {route},", package, extra)
    return route
