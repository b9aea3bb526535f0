"""OpenVINO's own form of an exported ONNX graph: `F.xml` and its weights in `F.bin`, with what the file says of itself inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backbench.errors import BackbenchError
from backbench.registry import require

SECTION = "backbench"  # of the model's runtime information


def to_openvino(source: Path, target: Path, metadata: Mapping[str, Any]) -> None:
    """Reads the ONNX file `source`, writes `target` (.xml) with fp32 weights as fp32. Raises BackbenchError."""
    openvino = require("the export to OpenVINO", "openvino", "openvino")
    try:
        model = openvino.Core().read_model(str(source))
        for key, value in metadata.items():
            model.set_rt_info(json.dumps(value, sort_keys=True), [SECTION, key])
        openvino.save_model(model, str(target), compress_to_fp16=False)
    except RuntimeError as error:
        raise BackbenchError(
            f"{source}: the export to OpenVINO failed: {str(error).strip().splitlines()[-1]}"
        ) from None
