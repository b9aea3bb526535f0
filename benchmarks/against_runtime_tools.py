"""backbench's latency against the runtimes' own tools, on the same files, interleaved in one run.

    python benchmarks/against_runtime_tools.py --model resnet50 --model mobilenetv2_100 --rounds 15

For each network one exported file; for each round, in random order: our sample of ONNX Runtime, a bare session loop on the
same file; our sample of OpenVINO, OpenVINO's `benchmark_app` on the same file. Every one in a fresh process, on the same
processors, with the same threads and precision. Printed: both medians of per-process medians, and the ratio ours ÷ theirs
with its 95 % interval over rounds; "within 3 %" where the whole interval is. `benchmark_app` reports the request's own
clock; what a Python program waits beyond that for each call is printed below the table.
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
from pathlib import Path
from statistics import median
from typing import Any

from backbench.api import one_cell
from backbench.artefacts.artefact import Artefact
from backbench.execute import cell_jobs
from backbench.execute.local import LocalExecutor, environment
from backbench.measuring.cpu import apart
from backbench.measuring.plan import PLANS
from backbench.settings import Settings
from backbench.spec.cell import Cell
from backbench.statistics.compare import paired_ratio

MODELS = ("resnet50", "mobilenetv2_100", "convnext_tiny", "vit_base_patch16_224")
RUNTIMES = ("onnxruntime:precision=fp32", "openvino:precision=fp32")
SHAPE = (1, 3, 224, 224)
BOUND = 0.03
WARM, CALLS, SECONDS = 10, 30, 1.0  # of the bare loop: until both are reached


@dataclass(frozen=True)
class Job:
    """One network in one runtime, to be measured by us and by the runtime's own tool."""

    cell: Cell
    artefact: Artefact
    theirs: Callable[[Job], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", help=f"default: {', '.join(MODELS)}")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    for name in ("--bare", "--request"):
        parser.add_argument(name, nargs=2, metavar=("FILE", "THREADS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        print(json.dumps(bare_loop(Path(arguments.bare[0]), int(arguments.bare[1]))))
        return
    if arguments.request:
        print(json.dumps(request_loop(Path(arguments.request[0]), int(arguments.request[1]))))
        return
    with LocalExecutor() as executor:
        jobs = [
            job(executor, model, runtime, arguments.threads)
            for model in arguments.model or MODELS
            for runtime in RUNTIMES
        ]
        medians = measured(executor, jobs, arguments.rounds)
    report(jobs, medians, arguments)


def job(executor: LocalExecutor, model: str, runtime: str, threads: int) -> Job:
    settings = Settings()
    fields = {"weights": "random", "runtime": runtime, "threads": threads, "input": "x".join(map(str, SHAPE))}
    cell = one_cell(model, "random:size=224,n=32", settings, fields)
    done = cell_jobs.prepare(executor, cell, settings, lambda text: print(text, file=sys.stderr)).value()
    artefact = Artefact.open(Path(done["folder"]))
    cell_jobs.sample(executor, cell, artefact, settings, PLANS["quick"], 1, ("latency",))  # starts the server
    return Job(cell, artefact, TOOLS[cell.runtime.name])


def measured(executor: LocalExecutor, jobs: list[Job], rounds: int) -> dict[tuple[int, str], dict[int, float]]:
    """(job, "ours" or "theirs") → round → median seconds of a call."""
    medians: dict[tuple[int, str], dict[int, float]] = {
        (place, who): {} for place in range(len(jobs)) for who in ("ours", "theirs")
    }
    for number in range(rounds):
        for place, who in random.sample(sorted(medians), len(medians)):
            taken = jobs[place]
            medians[place, who][number] = ours(executor, taken, number) if who == "ours" else taken.theirs(taken)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return medians


def ours(executor: LocalExecutor, taken: Job, number: int) -> float:
    """The median of one sample, taken as a study takes it (never the spawned first round)."""
    outcome = cell_jobs.sample(
        executor, taken.cell, taken.artefact, Settings(), PLANS["quick"], number + 1, ("latency",)
    )
    return float(median(outcome.value()["measurements"]["latency"][0]["values"]))


def bound(threads: int) -> list[str]:
    """On the processors that our sample is bound to."""
    chosen = apart(sorted(os.sched_getaffinity(0)), threads)
    return ["taskset", "--cpu-list", ",".join(map(str, chosen))]


def by_loop(taken: Job) -> float:
    return float(in_a_process("--bare", taken))


def in_a_process(loop: str, taken: Job) -> Any:
    """What this file prints for the option `loop`, on the job's file."""
    threads = taken.cell.threads
    path = str(taken.artefact.folder / "model.onnx")
    command = [*bound(threads), sys.executable, __file__, loop, path, str(threads)]
    done = subprocess.run(command, env=environment(threads), check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def bare_loop(path: Path, threads: int) -> float:
    """What anybody would write: one session, one input, `run` over and over; the median."""
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0]
    image = np.random.default_rng(0).standard_normal((1, *taken.shape[1:])).astype(np.float32)
    for _ in range(WARM):
        session.run(None, {taken.name: image})
    values: list[float] = []
    started = time.perf_counter()
    while len(values) < CALLS or time.perf_counter() - started < SECONDS:
        before = time.perf_counter()
        session.run(None, {taken.name: image})
        values.append(time.perf_counter() - before)
    return median(values)


def request_loop(path: Path, threads: int) -> tuple[float, float]:
    """OpenVINO as our session calls it, one input: the median seconds of its request's own clock, and of what a call
    takes beyond that.
    """
    import numpy as np
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape(list(SHAPE))
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    request = core.compile_model(model, "CPU", options).create_infer_request()
    image = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    tensor = openvino.Tensor(image, shared_memory=True)
    inside, outside = [], []
    for call in range(WARM + 5 * CALLS):
        before = time.perf_counter()
        request.set_input_tensor(tensor)
        request.infer(share_outputs=True)
        request.get_output_tensor()
        spent = time.perf_counter() - before
        if call >= WARM:
            inside.append(request.latency / 1e3)
            outside.append(spent - request.latency / 1e3)
    return median(inside), median(outside)


def by_benchmark_app(taken: Job) -> float:
    """OpenVINO's tool: one synchronous request for a second, its own report of the median."""
    threads, shape = taken.cell.threads, ",".join(map(str, (1, *taken.artefact.input[1:])))
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "-m": str(taken.artefact.folder / "model.onnx"), "-d": "CPU", "-api": "sync", "-hint": "none",
            "-nthreads": str(threads), "-nstreams": "1", "-infer_precision": "f32", "-shape": f"[{shape}]",
            "-t": "2", "-report_type": "no_counters", "-report_folder": folder,
        }  # fmt: skip
        command = [*bound(threads), str(Path(sys.executable).with_name("benchmark_app")), "-json_stats"]
        command += [part for pair in options.items() for part in pair]
        done = subprocess.run(command, env=environment(threads), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"benchmark_app: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        written = next(Path(folder).glob("*.json"))
        return median_of(json.loads(written.read_text()))


def median_of(report: dict[str, Any]) -> float:
    """Seconds; benchmark_app writes milliseconds, to a hundredth."""
    return float(report["execution_results"]["latency (ms)"]) / 1e3


TOOLS: dict[str, Callable[[Job], float]] = {"onnxruntime": by_loop, "openvino": by_benchmark_app}
NAMES = {"onnxruntime": "bare session loop", "openvino": "benchmark_app"}


def report(jobs: list[Job], medians: dict[tuple[int, str], dict[int, float]], arguments: argparse.Namespace) -> None:
    print(
        f"\n{arguments.rounds} interleaved rounds, {arguments.threads} threads, batch 1, fp32, {'x'.join(map(str, SHAPE))}\n"
    )
    print("| model | runtime | its own tool | ours | theirs | ours ÷ theirs (95 %) | within 3 % |")
    print("|---|---|---|--:|--:|--:|---|")
    for place, taken in enumerate(jobs):
        mine, other = medians[place, "ours"], medians[place, "theirs"]
        ratio = paired_ratio(other, mine)
        inside = ratio.low >= 1 - BOUND and ratio.high <= 1 + BOUND
        print(
            f"| {taken.cell.model} | {taken.cell.runtime.name} | {NAMES[taken.cell.runtime.name]}"
            f" | {median(mine.values()) * 1e3:.3f} ms | {median(other.values()) * 1e3:.3f} ms"
            f" | {ratio.estimate:.3f} [{ratio.low:.3f}, {ratio.high:.3f}] | {'yes' if inside else 'not shown'} |"
        )
    print()
    for taken in jobs:
        if taken.cell.runtime.name == "openvino":
            inside, outside = in_a_process("--request", taken)
            print(
                f"{taken.cell.model}: of a call from Python {outside * 1e3:.3f} ms lie outside of OpenVINO's own clock,"
                f" {outside / inside:.1%} of what that shows"
            )


if __name__ == "__main__":
    main()
