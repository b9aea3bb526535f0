"""Metrics by name: those of a timed sample, the accuracy of the check, and what is read from the artefact."""

from __future__ import annotations

from backbench.measure.metric import Metric
from backbench.registry import Registry

REGISTRY: Registry[Metric] = Registry(
    "metric",
    {
        "accuracy": "backbench.measure.accuracy:Accuracy",
        "energy": "backbench.measure.energy:Energy",
        "latency": "backbench.measure.latency:Latency",
        "macs": "backbench.measure.stored:Macs",
        "nonzero": "backbench.measure.stored:Nonzero",
        "parameters": "backbench.measure.stored:Parameters",
        "peak_memory": "backbench.measure.memory:PeakMemory",
        "size": "backbench.measure.stored:Size",
        "throughput": "backbench.measure.throughput:Throughput",
        "trainable": "backbench.measure.stored:Trainable",
        "weights_memory": "backbench.measure.stored:WeightsMemory",
    },
)
