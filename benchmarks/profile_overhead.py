"""What does looking inside cost? Instrumented ÷ plain calls, plain after ÷ before, and a profile's own memory.

    python benchmarks/profile_overhead.py --model resnet50 --model mobilenetv2_100 --input 1x3x224x224

Targets: an instrumented pass takes at most 3 × a plain one at any depth, plain calls are as fast after the hooks were
removed as before, and no process of a 1 × 3 × 1024 × 2048 ResNet-101 profile holds 8 GB (`--large`). Ratios with 95 %
intervals over turns. Random weights: nothing here depends on them. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from backbench.measuring.clock import WALL
from backbench.measuring.cpu import thread_budget
from backbench.measuring.plan import PLANS
from backbench.measuring.sampling import Feed, Source, call_times
from backbench.profiling.blocks import block_times
from backbench.profiling.inputs import random_images
from backbench.profiling.network import build_network, open_network
from backbench.profiling.operators import operator_times
from backbench.profiling.parts import Wanted
from backbench.profiling.profile import profile_study
from backbench.profiling.timed import Blocks
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.spec.study import study_of
from backbench.statistics.compare import Ratio, paired_ratio

PLAN = PLANS["quick"]
DEEP = 99  # every module of the tree
MOST, LARGE_BYTES = 3.0, 8e9


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", help="default: resnet50, mobilenetv2_100 and vit_tiny_patch16_224")
    parser.add_argument("--input", default="1x3x224x224")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="of the three turns")
    parser.add_argument("--large", action="store_true", help="profile a 1024×2048 ResNet-101 and tell its memory")
    arguments = parser.parse_args()
    for model in arguments.model or ["resnet50", "mobilenetv2_100", "vit_tiny_patch16_224"]:
        compare(cell_of(model, arguments.input, arguments.threads), arguments.repeats)
    if arguments.large:
        large(arguments.threads)


def cell_of(model: str, size: str, threads: int) -> Cell:
    dataset = {"name": "random", "options": {"classes": 1000}}
    return Cell.model_validate({"model": model, "dataset": dataset, "input": size, "threads": threads})


def compare(cell: Cell, repeats: int) -> None:
    assert cell.input is not None
    with thread_budget(cell.threads):
        model = build_network(cell, Settings())
        with open_network(cell, model) as session:
            feed = Source(random_images(cell.input, 4, 0)).feed(session, cell.input[0], "model", 0)
            for depth in (2, DEEP):
                say(cell, depth, [block_times(model, feed, depth, PLAN) for _ in range(repeats)])
            say_profiler(cell, feed)


def say(cell: Cell, depth: int, found: Sequence[Blocks]) -> None:
    plain = {number: median(blocks.plain) for number, blocks in enumerate(found)}
    hooked = {number: median(blocks.instrumented) for number, blocks in enumerate(found)}
    cost = paired_ratio(plain, hooked)
    before = {number: median(median(turn) for turn in blocks.before) for number, blocks in enumerate(found)}
    after = {number: median(median(turn) for turn in blocks.after) for number, blocks in enumerate(found)}
    back = paired_ratio(before, after)
    left = max(blocks.hooks_left for blocks in found)
    modules = len(found[0].modules)
    kept = "within 3 ×" if cost.high <= MOST else "not shown to be within 3 ×"
    print(f"{cell.model!s:<24} {modules:>4} modules  instrumented ÷ plain {text(cost)}  {kept}")
    print(f"{'':<24} {left:>4} hooks left  plain after ÷ before {text(back)}")


def text(ratio: Ratio) -> str:
    high = ratio.high if math.isfinite(ratio.high) else math.inf
    return f"{ratio.estimate:.3f} [{ratio.low:.3f}, {high:.3f}] n = {ratio.n}"


def say_profiler(cell: Cell, feed: Feed) -> None:
    """torch's own profiler, which times operators, beside plain calls."""
    plain = median(call_times(feed, WALL, 10, 0.0, PLAN.cap_seconds))
    found = operator_times(feed, passes=10)
    print(f"{'':<24} torch's profiler ÷ plain {median(found.passes) / plain:.3f}")


def large(threads: int) -> None:
    """A whole profile, but for the sweeps; the peak resident size of each of its processes."""
    fixed = {
        "dataset": "random:n=2",
        "weights": "random",
        "threads": threads,
        "model": "resnet101",
        "protocol": "quick",
    }
    study = study_of({"name": "large", "fixed": {**fixed, "input": "1x3x1024x2048"}})
    with tempfile.TemporaryDirectory() as folder:
        (found,) = profile_study(study, Path(folder), Settings(), Wanted(skip=frozenset({"scaling"})))
    for part, size in sorted(found.peaks.items(), key=lambda pair: -pair[1]):
        kept = "under 8 GB" if size < LARGE_BYTES else "NOT under 8 GB"
        print(f"resnet101 1×3×1024×2048  {part:<12} peak resident {size / 1e9:.2f} GB  {kept}")


if __name__ == "__main__":
    main()
