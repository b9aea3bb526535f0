"""backbench's quick protocol against what people use instead, on the same networks in the same run.

    python benchmarks/against_peers.py --model resnet18 --pairs 10

Peers: a loop of 10 warm-up and 40 timed calls as timm's `benchmark.py` has it, `torch.utils.benchmark` and pyperf,
each in fresh processes and with its own defaults. For each: seconds that one run takes, the interval that it reports,
how far its runs really lie apart (standard deviation of the logs of their results), and an A/A study: of pairs of
runs of the *same* cell, how many are called different by that tool's own rule.

    backbench   its verdict is "faster" or "slower": the two run interleaved, as cells of one study do
    timm loop   the two results differ by over 2 %: all that a reader of two tables can go by
    torch       the two interquartile ranges don't overlap
    pyperf      its significance test (Student's t on all values, 95 %)
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import fmean, median, quantiles, stdev
from typing import Any

from backbench.artefacts.artefact import Artefact
from backbench.execute import cell_jobs
from backbench.execute.local import LocalExecutor, environment
from backbench.measuring.plan import PLANS
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.statistics.compare import paired_ratio, verdict
from backbench.statistics.intervals import half_width, latency_summary, positive_bounds
from random_network import eager_cell, prepared

HERE = Path(__file__).parent
ARTEFACT, THREADS = "BACKBENCH_BENCH_ARTEFACT", "BACKBENCH_BENCH_THREADS"


@dataclass(frozen=True)
class Run:
    """One use of a tool: its result and values (seconds), and what it took."""

    estimate: float
    values: tuple[float, ...]
    half_width: float | None  # relative, as the tool reports it
    wall: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", help="timm names; default: resnet18")
    parser.add_argument("--input", default="1x3x224x224")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=10, help="runs of each tool are twice as many")
    parser.add_argument("--pyperf", nargs="*", default=[], help="options for pyperf, without dashes: processes=5")
    parser.add_argument("--worker", choices=sorted(WORKERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(WORKERS[arguments.worker](*network_and_input())))
        return
    for model in arguments.model or ["resnet18"]:
        study(model, arguments)


def study(model: str, arguments: argparse.Namespace) -> None:
    settings = Settings()
    cell = eager_cell(model, arguments)
    with LocalExecutor() as executor:
        artefact = prepared(executor, cell)
        os.environ |= {ARTEFACT: str(artefact.folder), THREADS: str(arguments.threads)}
        cell_jobs.sample(executor, cell, artefact, settings, PLANS["quick"], 1, ("latency",))  # starts the server
        pairs: dict[str, list[tuple[Run, Run, bool]]] = {"backbench": [], **{name: [] for name in PEERS}}
        for _ in range(arguments.pairs):
            pairs["backbench"].append(our_pair(executor, cell, artefact, settings))
            for name, (take, differ) in PEERS.items():
                first, second = take(arguments), take(arguments)
                pairs[name].append((first, second, differ(first, second)))
    print(f"\n{model}, {arguments.input}, {arguments.threads} threads, eager fp32\n")
    print("| tool | result | one run takes | reports | runs lie apart by | A/A called different |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, found in pairs.items():
        print(row(name, found))


def row(name: str, pairs: list[tuple[Run, Run, bool]]) -> str:
    runs = [run for first, second, _ in pairs for run in (first, second)]
    widths = [run.half_width for run in runs if run.half_width is not None]
    apart = stdev(log(run.estimate) for run in runs)
    return (
        f"| {name} | {median(run.estimate for run in runs) * 1e3:.3f} ms | {median(run.wall for run in runs):.1f} s"
        f" | {f'±{median(widths):.1%}' if widths else 'no interval'} | {apart:.1%}"
        f" | {sum(differs for *_, differs in pairs)} of {len(pairs)} |"
    )


def our_pair(executor: LocalExecutor, cell: Cell, artefact: Artefact, settings: Settings) -> tuple[Run, Run, bool]:
    """The same cell twice, as two cells of one study: interleaved rounds, in random order."""
    samples: dict[str, dict[int, list[float]]] = {"first": {}, "second": {}}
    wall = dict.fromkeys(samples, 0.0)
    for number in range(PLANS["quick"].min_processes):
        for name in random.sample(sorted(samples), 2):
            started = time.perf_counter()
            outcome = cell_jobs.sample(executor, cell, artefact, settings, PLANS["quick"], number + 1, ("latency",))
            samples[name][number] = outcome.value()["measurements"]["latency"][0]["values"]
            wall[name] += time.perf_counter() - started
    medians = {name: {number: median(values) for number, values in taken.items()} for name, taken in samples.items()}
    ratio = paired_ratio(medians["first"], medians["second"])
    first, second = (our_run(list(samples[name].values()), wall[name]) for name in samples)
    return first, second, verdict(ratio) in ("faster", "slower")


def our_run(samples: list[list[float]], wall: float) -> Run:
    summary = latency_summary(samples)
    return Run(summary.median, tuple(median(values) for values in samples), summary.half_width, wall)


def in_process(worker: str) -> Callable[[argparse.Namespace], Run]:
    """A peer that measures in one fresh process."""

    def take(arguments: argparse.Namespace) -> Run:
        started = time.perf_counter()
        command = [sys.executable, __file__, "--worker", worker]
        done = subprocess.run(command, env=environment(arguments.threads), check=True, capture_output=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return Run(found["estimate"], tuple(found["values"]), found["half_width"], time.perf_counter() - started)

    return take


def network_and_input() -> tuple[Any, Any]:
    """The artefact's network and its first input, with the budget of threads set."""
    import torch

    from backbench.runtimes.eager import network_of

    torch.set_num_threads(int(os.environ[THREADS]))
    artefact = Artefact.open(Path(os.environ[ARTEFACT]))
    return network_of(artefact).eval(), torch.from_numpy(artefact.load_inputs()[:1])


def timm_loop(network: Any, image: Any) -> dict[str, Any]:
    """timm's script: 10 calls to warm up, 40 timed, the mean; it prints no interval."""
    import torch

    values = []
    with torch.inference_mode():
        for _ in range(10):
            network(image)
        for _ in range(40):
            start = time.perf_counter()
            network(image)
            values.append(time.perf_counter() - start)
    return {"estimate": fmean(values), "values": values, "half_width": None}


def torch_timer(network: Any, image: Any) -> dict[str, Any]:
    """`torch.utils.benchmark`'s blocked_autorange: the median and half the interquartile range."""
    import torch
    from torch.utils.benchmark import Timer

    with torch.inference_mode():
        threads = torch.get_num_threads()
        timer = Timer("network(image)", globals={"network": network, "image": image}, num_threads=threads)
        found = timer.blocked_autorange(min_run_time=1.0)
    return {"estimate": found.median, "values": list(found.times), "half_width": found.iqr / 2 / found.median}


WORKERS = {"timm": timm_loop, "torch": torch_timer}


def pyperf_run(arguments: argparse.Namespace) -> Run:
    """pyperf's Runner in its own processes (20 of 3 values unless said); the interval is a t over processes."""
    import pyperf

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pyperf.json"
        names = f"{ARTEFACT},{THREADS},OMP_NUM_THREADS,MKL_NUM_THREADS"
        command = [sys.executable, str(HERE / "pyperf_worker.py"), "-o", str(out), "--inherit-environ", names]
        options = [f"--{option}" for option in arguments.pyperf]
        subprocess.run([*command, *options], env=environment(arguments.threads), check=True, stdout=subprocess.DEVNULL)
        bench = pyperf.Benchmark.load(str(out))
    means = [fmean(run.values) for run in bench.get_runs() if run.values]
    return Run(
        bench.mean(), tuple(bench.get_values()), half_width(*positive_bounds(means)), time.perf_counter() - started
    )


def two_percent(first: Run, second: Run) -> bool:
    return abs(log(first.estimate / second.estimate)) > log(1.02)


def ranges_apart(first: Run, second: Run) -> bool:
    (low, _, high), (lower, _, higher) = (
        quantiles(run.values, n=4) if len(run.values) > 1 else (run.estimate,) * 3 for run in (first, second)
    )
    return high < lower or higher < low


def significant(first: Run, second: Run) -> bool:
    from scipy.stats import ttest_ind

    return bool(ttest_ind(first.values, second.values).pvalue < 0.05)


PEERS: dict[str, tuple[Callable[[argparse.Namespace], Run], Callable[[Run, Run], bool]]] = {
    "timm loop": (in_process("timm"), two_percent),
    "torch.utils.benchmark": (in_process("torch"), ranges_apart),
    "pyperf": (pyperf_run, significant),
}

if __name__ == "__main__":
    main()
