"""Runtimes: what opens an artefact and computes logits. One file each; this table names them."""

from __future__ import annotations

from backbench.registry import Registry
from backbench.runtimes.runtime import Runtime

REGISTRY: Registry[Runtime] = Registry(
    "runtime",
    {
        "eager": "backbench.runtimes.eager:Eager",
        "onnxruntime": "backbench.runtimes.onnxruntime:OnnxRuntime",
        "fake": "backbench.runtimes.fake:Fake",
    },
)
