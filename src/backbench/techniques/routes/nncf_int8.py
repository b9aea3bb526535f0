"""NNCF's post-training quantization of the exported graph, for OpenVINO (and for ONNX Runtime where it is asked for).

Activations are asymmetric uint8, weights symmetric int8 with a scale for each output channel. Fast bias correction shifts
each layer's bias by the mean error that its rounded weights make on the calibration images; networks with attention (their graphs
hold a Softmax) get NNCF's transformer patterns and SmoothQuant.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench.registry import require
from backbench.techniques.routes.onnx_file import operators_of, quiet

ATTENTION = "Softmax"  # networks end in logits: a Softmax inside is attention's


def static(
    source: Path,
    target: Path,
    name: str,
    batches: Iterator[NDArray[np.float32]],
    *,
    per_channel: bool,
    reduce_range: bool,
) -> dict[str, Any]:
    """Writes the QDQ graph; gives what the notes say of how. Raises MissingDependency."""
    nncf = require("technique quantize_static, route nncf", "nncf", "openvino")
    import onnx

    attention = ATTENTION in operators_of(source)
    images = [{name: batch} for batch in batches]
    nncf.set_log_level(logging.ERROR)
    with quiet():
        quantized = nncf.quantize(
            onnx.load(source),
            nncf.Dataset(images),
            preset=nncf.QuantizationPreset.MIXED,
            target_device=nncf.TargetDevice.CPU,
            subset_size=len(images),
            fast_bias_correction=True,
            model_type=nncf.ModelType.TRANSFORMER if attention else None,
            advanced_parameters=parameters(per_channel, reduce_range),
        )
    onnx.save(quantized, target)
    return {"bias_correction": "fast", "smooth_quant": attention, "quantizer": f"nncf {nncf.__version__}"}


def parameters(per_channel: bool, reduce_range: bool) -> Any:
    """NNCF's own choice, unless one scale a tensor is asked for. Its own halves the range in the first layer alone."""
    advanced = import_module("nncf.quantization.advanced_parameters")
    fix = advanced.OverflowFix.ENABLE if reduce_range else advanced.OverflowFix.FIRST_LAYER
    found = advanced.AdvancedQuantizationParameters(overflow_fix=fix)
    if not per_channel:
        found.weights_quantization_params = advanced.QuantizationParameters(per_channel=False)
    return found
