"""`backbench demo`: the main job on images that need no download: scikit-learn's handwritten digits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from backbench.cli.options import settings_of


def demo(
    out: Annotated[Path, typer.Option(help="The folder for records and report.")] = Path("backbench-demo"),
) -> None:
    """Train three small backbones on digits, measure each in three forms, and write the report (under 3 minutes)."""
    from backbench.cli.run import run_and_report
    from backbench.spec.study import study_of

    run_and_report(study_of(demo_study(), "demo"), out, settings_of(), as_json=False)


def demo_study() -> dict[str, Any]:
    """A residual net, a mobile net and a small vision transformer × eager, ONNX Runtime fp32 and int8."""
    return {
        "name": "demo",
        "fixed": {"dataset": "digits", "recipe": "digits-quick", "seed": 0, "threads": 1, "protocol": "quick"},
        "axes": {
            "model": ["resnet20:width=8", "mobilenetv2_small:width=0.1", "vit_mini:dim=64,depth=3,heads=4"],
            "technique": ["none", "quantize_static"],
            "runtime": ["eager", "onnxruntime"],
        },
        "exclude": [
            {
                "where": {"technique": "quantize_static", "runtime": "eager"},
                "reason": "an int8 graph is ONNX Runtime's, eager has no integer kernels for it",
            }
        ],
        "baseline": {"technique": "none", "runtime": "eager"},
    }
