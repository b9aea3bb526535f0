"""Runtimes: what opens an artefact and computes logits. One file each; this table names them."""

from __future__ import annotations

from backbench.registry import Registry
from backbench.runtimes.runtime import Runtime

REGISTRY: Registry[Runtime] = Registry(
    "runtime",
    {
        "aotinductor": "backbench.runtimes.aotinductor:AotInductor",
        "compile": "backbench.runtimes.compile:Compile",
        "eager": "backbench.runtimes.eager:Eager",
        "executorch": "backbench.runtimes.executorch:ExecuTorch",
        "fake": "backbench.runtimes.fake:Fake",
        "onnxruntime": "backbench.runtimes.onnxruntime:OnnxRuntime",
        "openvino": "backbench.runtimes.openvino:OpenVino",
        "torchscript": "backbench.runtimes.torchscript:TorchScript",
    },
)
