"""ONNX Runtime's execution providers: what each is called, what brings it, and what it is told.

Every provider is told its precision: CUDA not to use TensorFloat-32, TensorRT and OpenVINO what to convert to. The
processor's own provider stands behind each and takes what the first can't compute; that is read back and recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backbench.errors import Skip

CPU = "CPUExecutionProvider"
HINTS = {"auto": "f32", "fp32": "f32", "int8": "f32", "bf16": "bf16", "fp16": "f16"}
Options = Callable[[str, int, int, Path], dict[str, Any]]


def no_options(precision: str, number: int, threads: int, folder: Path) -> dict[str, Any]:
    return {}


def cuda_options(precision: str, number: int, threads: int, folder: Path) -> dict[str, Any]:
    return {"device_id": str(number), "use_tf32": "0"}


def tensorrt_options(precision: str, number: int, threads: int, folder: Path) -> dict[str, Any]:
    asked = {f"trt_{name}_enable": str(precision == name) for name in ("fp16", "bf16", "int8")}
    return {"device_id": str(number), **asked, "trt_engine_cache_enable": "False"}


def openvino_options(precision: str, number: int, threads: int, folder: Path) -> dict[str, Any]:
    """The plug-in's own settings go through a file."""
    config = folder / "openvino.json"
    config.write_text(json.dumps({"CPU": {"INFERENCE_PRECISION_HINT": HINTS[precision]}}))
    return {"device_type": "CPU", "num_of_threads": str(threads), "load_config": str(config)}


@dataclass(frozen=True)
class Provider:
    """`kind`: the device it computes on; `package`: what brings it; `converts`: computes a float graph in another
    precision where it is asked to; `swallows`: takes parts of the graph as wholes, so that nothing can be read back.
    """

    name: str
    kind: str
    package: str
    options: Options
    converts: bool = False
    swallows: bool = False

    def listed(self, precision: str, number: int, threads: int, folder: Path) -> list[tuple[str, dict[str, Any]]]:
        """As a session takes it, with the processor behind it."""
        first = (self.name, self.options(precision, number, threads, folder))
        return [first] if self.name == CPU else [first, (CPU, {})]


PROVIDERS = {
    "cpu": Provider(CPU, "cpu", "onnxruntime", no_options),
    "cuda": Provider("CUDAExecutionProvider", "cuda", "onnxruntime-gpu", cuda_options),
    "tensorrt": Provider(
        "TensorrtExecutionProvider", "cuda", "onnxruntime-gpu and tensorrt", tensorrt_options, True, True
    ),
    "openvino": Provider("OpenVINOExecutionProvider", "cpu", "onnxruntime-openvino", openvino_options, True, True),
}


def available(provider: str, device: str) -> Provider:
    """The provider for this device; `auto` is the device's own. Raises Skip where this onnxruntime has none."""
    import onnxruntime as ort

    kind = device.partition(":")[0]
    found = PROVIDERS[kind if provider == "auto" else provider]
    if found.kind != kind:
        raise Skip(f"runtime onnxruntime: provider={provider} computes on device {found.kind}, not on {device}")
    if found.name not in ort.get_available_providers():
        raise Skip(
            f"runtime onnxruntime: the installed onnxruntime has no {found.name} for device {device}: "
            f"pip install {found.package}"
        )
    return found
