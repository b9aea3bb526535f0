"""Metrics by name: those of a timed sample, the accuracy of the check, and what is read from the artefact."""

from __future__ import annotations

from backbench.measuring.metric import Metric
from backbench.registry import Registry

REGISTRY: Registry[Metric] = Registry(
    "metric",
    {
        "accuracy": "backbench.measuring.accuracy:Accuracy",
        "energy": "backbench.measuring.energy:Energy",
        "latency": "backbench.measuring.latency:Latency",
        "macs": "backbench.measuring.stored:Macs",
        "nonzero": "backbench.measuring.stored:Nonzero",
        "parameters": "backbench.measuring.stored:Parameters",
        "peak_memory": "backbench.measuring.memory:PeakMemory",
        "size": "backbench.measuring.stored:Size",
        "throughput": "backbench.measuring.throughput:Throughput",
        "trainable": "backbench.measuring.stored:Trainable",
        "weights_memory": "backbench.measuring.stored:WeightsMemory",
    },
)
