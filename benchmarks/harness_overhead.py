"""What does the harness add to a latency? Its median against a bare loop's, on the same network (target: within 1 %).

    python benchmarks/harness_overhead.py --model resnet18 --model mobilenetv2_100 --input 1x3x224x224

`inside`: one process, both loops on the same session's network and the same tensors, in turns, many short blocks.
`fresh`: a whole sample (fork server, thread budget, warm-up, everything) against a plain script in a process of its
own, in turns. Ratios are harness ÷ bare with 95 % intervals. Random weights: nothing here depends on them. Needs a
quiet machine.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

from backbench.artefacts.artefact import Artefact
from backbench.execute import cell_jobs
from backbench.execute.local import LocalExecutor, environment
from backbench.measuring.clock import WALL
from backbench.measuring.cpu import thread_budget
from backbench.measuring.plan import PLANS, Plan
from backbench.measuring.sampling import Source, call_times
from backbench.runtimes.eager import Eager, EagerSession, network_of
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.statistics.compare import Ratio, paired_ratio
from random_network import eager_cell, prepared

WARM = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", help="timm names; default: resnet18 and mobilenetv2_100")
    parser.add_argument("--input", default="1x3x224x224")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--calls", type=int, default=20, help="in each block")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        print(json.dumps(bare_process(arguments.bare, arguments.threads, PLANS["quick"])))
        return
    for model in arguments.model or ["resnet18", "mobilenetv2_100"]:
        compare(model, arguments)


def compare(model: str, arguments: argparse.Namespace) -> None:
    settings = Settings()
    cell = eager_cell(model, arguments)
    with LocalExecutor() as executor:
        artefact = prepared(executor, cell)
        say(model, "fresh", fresh(executor, cell, artefact, settings, arguments.rounds))
    say(model, "inside", inside(artefact, arguments.threads, arguments.blocks, arguments.calls))


def say(model: str, way: str, ratio: Ratio) -> None:
    kept = "within 1 %" if ratio.low >= 0.99 and ratio.high <= 1.01 else "not shown to be within 1 %"
    print(
        f"{model:<24} {way:<8} harness ÷ bare {ratio.estimate:.4f} [{ratio.low:.4f}, {ratio.high:.4f}]"
        f"  n = {ratio.n}  {kept}"
    )


def inside(artefact: Artefact, threads: int, blocks: int, calls: int) -> Ratio:
    """Block medians of both loops in one process, which of the two comes first drawn for each block."""
    import torch

    found: dict[str, dict[int, float]] = {"harness": {}, "bare": {}}
    network = network_of(artefact).eval()  # one for both: where its weights lie in memory is worth a percent
    with thread_budget(threads), EagerSession(Eager(), network, "cpu") as session, torch.inference_mode():
        feed = Source(artefact.load_inputs()[:32]).feed(session, 1, "model", 0)
        loops: dict[str, Callable[[], list[float]]] = {
            "harness": lambda: call_times(feed, WALL, calls, 0.0, 1e9),
            "bare": lambda: bare_loop(network, feed.arguments, calls),
        }
        for loop in loops.values():
            loop()
        for block in range(blocks):
            for name in random.Random(block).sample(sorted(loops), 2):
                found[name][block] = median(loops[name]())
    return paired_ratio(found["bare"], found["harness"])


def bare_loop(network: Any, tensors: Any, calls: int) -> list[float]:
    """What one writes without a harness: seconds of each call."""
    values = []
    for number in range(calls):
        tensor = tensors[number % len(tensors)]
        start = perf_counter_ns()
        network(tensor)
        values.append((perf_counter_ns() - start) / 1e9)
    return values


def fresh(executor: LocalExecutor, cell: Cell, artefact: Artefact, settings: Settings, rounds: int) -> Ratio:
    """Medians of whole processes, in turns; the harness's first round is spawned as the bare script is."""
    found: dict[str, dict[int, float]] = {"harness": {}, "bare": {}}
    ways = {
        "harness": lambda number: harness_process(executor, cell, artefact, settings, number),
        "bare": lambda number: run_bare(artefact.folder, cell.threads),
    }
    for number in range(rounds):
        for name in random.Random(number).sample(sorted(ways), 2):
            found[name][number] = ways[name](number)
    return paired_ratio(found["bare"], found["harness"])


def harness_process(executor: LocalExecutor, cell: Cell, artefact: Artefact, settings: Settings, number: int) -> float:
    outcome = cell_jobs.sample(executor, cell, artefact, settings, PLANS["quick"], number, ("latency",))
    return float(median(outcome.value()["measurements"]["latency"][0]["values"]))


def run_bare(folder: Path, threads: int) -> float:
    command = [sys.executable, __file__, "--bare", str(folder), "--threads", str(threads)]
    done = subprocess.run(command, env=environment(threads), check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout))


def bare_process(folder: Path, threads: int, plan: Plan) -> float:
    """The median of a plain loop with the plan's calls and seconds, in this process, which does nothing else."""
    import torch

    torch.set_num_threads(threads)
    artefact = Artefact.open(folder)
    network = network_of(artefact).eval()
    tensors = [torch.from_numpy(image[None]) for image in artefact.load_inputs()]
    with thread_budget(threads), torch.inference_mode():
        bare_loop(network, tensors, WARM)
        one = median(bare_loop(network, tensors, WARM))
        bare_loop(network, tensors, round(plan.warmup_seconds / one))
        return median(bare_loop(network, tensors, max(plan.timed_calls, round(plan.timed_seconds / one))))


if __name__ == "__main__":
    main()
