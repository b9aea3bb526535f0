"""What int8 costs in accuracy: trained networks through each route, image by image against their own fp32.

    python benchmarks/quantized_accuracy.py --data-root DIR [--model resnet20 …] [--dataset cifar10] [--recipe cifar10]

Each network is trained once by the recipe (found in the cache if it is there). Nothing is timed, so the machine need not be quiet.
Static int8 chooses nothing; quantize_aware chooses its epoch on the validation part; the test part is read once for each line.
The last lines hold the losses against the bars: median static loss at most 0.4 pp, none over 1 pp, and quantize_aware within 0.3 pp
of static int8.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

import backbench
from backbench.errors import BackbenchError
from backbench.settings import Settings
from backbench.statistics.accuracy import Difference, mcnemar, wilson

MODELS = ("resnet20", "mobilenetv2_small", "vit_mini", "vgg16_bn_cifar")
STATIC, AWARE = "quantize_static:calibration={calibration}", "quantize_aware:recipe={aware}"
MEDIAN_LOSS, LARGEST_LOSS, AWARE_LOSS = 0.4, 1.0, 0.3  # percentage points


@dataclass(frozen=True)
class Line:
    """One way of one network; `correct` of each test image in order."""

    model: str
    technique: str
    runtime: str
    correct: NDArray[np.bool_]
    size: int
    integer_operators: int | None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", help="default: four small backbones")
    parser.add_argument("--runtime", action="append", help="default: onnxruntime and openvino")
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--recipe", default="cifar10")
    parser.add_argument("--aware", default="quantize-aware", help="recipe of quantize_aware; none leaves it out")
    parser.add_argument("--calibration", type=int, default=512)
    parser.add_argument("--data-root", type=Path)
    arguments = parser.parse_args()
    settings = Settings(data_root=arguments.data_root) if arguments.data_root else Settings()
    lines = []
    for model in arguments.model or MODELS:
        for runtime in arguments.runtime or ("onnxruntime", "openvino"):
            lines += list(ways(model, runtime, arguments, settings))
    bars(lines)


def ways(model: str, runtime: str, arguments: argparse.Namespace, settings: Settings) -> Iterator[Line]:
    """fp32 first; a way that can't be gone says why."""
    aware = [] if arguments.aware == "none" else [AWARE.format(aware=arguments.aware)]
    base: Line | None = None
    for technique in ("none", STATIC.format(calibration=arguments.calibration), *aware):
        try:
            line = measured(model, runtime, technique, arguments, settings)
        except BackbenchError as error:
            print(f"{model} · {technique} · {runtime}: {error}", flush=True)
            continue
        base = base or line
        print(text(line, base), flush=True)
        yield line


def measured(model: str, runtime: str, technique: str, arguments: argparse.Namespace, settings: Settings) -> Line:
    found = backbench.evaluate(
        model,
        dataset=arguments.dataset,
        recipe=arguments.recipe,
        technique=technique,
        runtime=runtime,
        settings=settings,
    )
    if found.predictions is None:
        raise BackbenchError(f"no accuracy: {found.reason}; gate: {found.gate}")
    kept = found.artefact.evidence["steps"][-1]["child"] if technique != "none" else {}
    return Line(
        model, technique, runtime, found.predictions.correct(), found.artefact.bytes, kept.get("quantizing_operators")
    )


def text(line: Line, base: Line) -> str:
    share = wilson(int(line.correct.sum()), len(line.correct))
    said = f"{line.model} · {line.technique} · {line.runtime}: {share.estimate:.2%} [{share.low:.2%}, {share.high:.2%}]"
    said += f", {line.size / 1e6:.2f} MB, n = {len(line.correct):,}"
    if line is base:
        return said
    found = loss(line, base)
    return f"{said}; against fp32 {found.pp:+.2f} pp [{found.low:+.2f}, {found.high:+.2f}], McNemar p = {found.p:.2g}"


def loss(line: Line, base: Line) -> Difference:
    return mcnemar(base.correct, line.correct)


def bars(lines: list[Line]) -> None:
    """The losses of each runtime against the bars."""
    for runtime in dict.fromkeys(line.runtime for line in lines):
        mine = [line for line in lines if line.runtime == runtime]
        bases = {line.model: line for line in mine if line.technique == "none"}
        static = {line.model: -loss(line, bases[line.model]).pp for line in mine if "static" in line.technique}
        aware = {line.model: -loss(line, bases[line.model]).pp for line in mine if "aware" in line.technique}
        if static:
            middle, most = median(static.values()), max(static.values())
            verdict = "met" if middle <= MEDIAN_LOSS and most <= LARGEST_LOSS else "missed"
            print(
                f"{runtime}: static loses {middle:.2f} pp in the median, {most:.2f} pp at most, over {len(static)} networks: {verdict}"
            )
        for model in static.keys() & aware.keys():
            more = aware[model] - static[model]
            print(
                f"{runtime}: {model}: quantize_aware loses {more:+.2f} pp more than static: {'met' if more <= AWARE_LOSS else 'missed'}"
            )


if __name__ == "__main__":
    main()
