"""Techniques: what makes a network or its exported file smaller or faster. One file each; this table names them."""

from __future__ import annotations

from backbench.registry import Registry
from backbench.techniques.technique import Technique

REGISTRY: Registry[Technique] = Registry(
    "technique",
    {
        "distill": "backbench.techniques.distill:Distill",
        "finetune": "backbench.techniques.finetune:Finetune",
        "fold_bn": "backbench.techniques.fold_bn:FoldBn",
        "low_rank": "backbench.techniques.low_rank:LowRank",
        "prune_24": "backbench.techniques.prune_24:Prune24",
        "prune_channels": "backbench.techniques.prune_channels:PruneChannels",
        "prune_structured": "backbench.techniques.prune_structured:PruneStructured",
        "prune_unstructured": "backbench.techniques.prune_unstructured:PruneUnstructured",
        "quantize_aware": "backbench.techniques.quantize_aware:QuantizeAware",
        "quantize_dynamic": "backbench.techniques.quantize_dynamic:QuantizeDynamic",
        "quantize_static": "backbench.techniques.quantize_static:QuantizeStatic",
        "weights_half": "backbench.techniques.weights_half:WeightsHalf",
    },
)
