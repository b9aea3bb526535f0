"""Does a process forked from an imported server measure what a freshly spawned one does?

    python benchmarks/fork_against_spawn.py --model resnet20 --rounds 10

The same cell, sampled both ways in every round, in random order; latency, peak memory and the wall time of a sample,
each as the ratio forked ÷ spawned with its 95 % interval over rounds. Random weights: nothing here depends on them.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path
from statistics import median
from typing import Any

from backbench.api import one_cell
from backbench.artefacts.artefact import Artefact
from backbench.execute import cell_jobs
from backbench.execute.local import LocalExecutor
from backbench.measuring.plan import PLANS
from backbench.settings import Settings
from backbench.statistics.compare import paired_ratio

METRICS = ("latency", "peak_memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="resnet20")
    parser.add_argument("--dataset", default="random:size=32")
    parser.add_argument("--runtime", action="append", help="default: eager and onnxruntime")
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    for runtime in arguments.runtime or ["eager", "onnxruntime"]:
        found = compare(arguments.model, arguments.dataset, runtime, arguments.rounds)
        for name, ways in found.items():
            ratio = paired_ratio(ways["spawn"], ways["fork"])
            print(
                f"{runtime:<12} {name:<12} fork {median(ways['fork'].values()):.6g}"
                f"  spawn {median(ways['spawn'].values()):.6g}"
                f"  fork ÷ spawn {ratio.estimate:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]  n = {ratio.n} rounds"
            )


def compare(model: str, dataset: str, runtime: str, rounds: int) -> dict[str, dict[str, dict[int, float]]]:
    """metric → way → round → value: seconds, bytes."""
    settings = Settings()
    cell = one_cell(model, dataset, settings, {"runtime": runtime, "weights": "random"})
    found: dict[str, dict[str, dict[int, float]]] = {
        name: {"fork": {}, "spawn": {}} for name in ("latency", "peak_memory", "wall")
    }
    with LocalExecutor() as executor:
        folder = cell_jobs.prepare(executor, cell, settings, print).value()["folder"]
        artefact = Artefact.open(Path(folder))
        cell_jobs.sample(executor, cell, artefact, settings, PLANS["quick"], 1, METRICS)  # starts the server
        for number in range(rounds):
            for way in random.Random(number).sample(["fork", "spawn"], 2):
                started = time.perf_counter()
                result = sample(executor, cell, artefact, settings, way)
                found["wall"][way][number] = time.perf_counter() - started
                for name in METRICS:
                    found[name][way][number] = median(result["measurements"][name][0]["values"])
    return found


def sample(executor: LocalExecutor, cell: Any, artefact: Artefact, settings: Settings, way: str) -> dict[str, Any]:
    # The first round of a study is spawned, the later ones forked: the number says which way.
    number = 0 if way == "spawn" else 1
    return cell_jobs.sample(executor, cell, artefact, settings, PLANS["quick"], number, METRICS).value()


if __name__ == "__main__":
    main()
