"""How long `backbench report` takes on many records, without and with its index, and how much memory it needs.

    python benchmarks/report_at_scale.py [--records 10000] [--samples 500] [--images 1000] [--keep FOLDER]

Writes made-up records (500 timed calls each, in five processes, with predictions for 1,000 images), then runs the
command in fresh processes: the first time everything is read and hashed; the second time the index stands in. Printed
are wall-clock and processor seconds and the peak resident set of each process, the load before, and whether the
targets hold: 10 s, 2 s, 1 GB. On a machine that others load, the wall-clock says more about them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from backbench.records.schema import Conditions, Measurement, Predictions, Record, Sample, pack
from backbench.spec.cell import Cell

TARGETS = {"first": 10.0, "with index": 2.0}
MEMORY = 1e9
PROCESSES = 5
# As an installation is after its first command: Python's byte code is kept, and compiling it is not part of a report.
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
HOST = {"name": "made-up", "cpu": "made-up", "logical_cpus": 2, "ram": 8_000_000_000, "packages": {"numpy": "2.0.0"}}


def make_record(number: int, samples: int, labels: np.ndarray, generator: np.random.Generator) -> Record:
    """One record whose latency and accuracy differ from the others'."""
    technique = ("none", "prune_unstructured:amount=0.5", "quantize_static")[number % 3]
    cell = Cell.model_validate(
        {"model": f"network{number // 6}", "dataset": "made-up", "technique": technique, "seed": 0, "threads": 2,
         "runtime": ("eager", "onnxruntime:precision=fp32")[number // 3 % 2]}
    )  # fmt: skip
    level = 10 ** generator.uniform(-4, -2)
    values = generator.lognormal(np.log(level), 0.02, (PROCESSES, samples // PROCESSES)).round(9)
    warm = [float(value) for value in values[0][:20]]
    data = {"warmup": warm, "first": 0.02, "load": 0.1, "imported": 0.5, "overhead": 1e-7, "regime": "steady"}
    latency = Measurement(
        unit="s",
        samples=tuple(Sample(round=place, values=tuple(row), data=data) for place, row in enumerate(values.tolist())),
    )
    wrong = generator.random(len(labels)) < generator.uniform(0.02, 0.4)
    predicted = np.where(wrong, (labels + 1) % 10, labels)
    predictions = Predictions(
        n=len(labels), predicted=pack(predicted), labels=pack(labels), logits_sha256="0" * 64, test_evaluations=1
    )
    size = int(10 ** generator.uniform(5, 8))
    return Record(
        created_utc="2026-11-20T10:00:00+00:00", tool={"name": "backbench", "version": "0.1.0"}, study="scale",
        cell_id=cell.id, cell=cell, protocol={"name": "quick"}, status="ok",
        inputs={"dataset": {"title": "made-up", "sha256": "d" * 64}, "preprocessing": {"size": [32, 32]}},
        artefact={"bytes": size, "parameters": {"stored": size // 4, "nonzero": size // 4}, "trained": True},
        cost={"counters": {"torch": size * 9, "onnx": size * 9}}, predictions=predictions,
        measurements={"latency": latency}, host=HOST, conditions=Conditions(grade="C"),
    ).sealed()  # fmt: skip


def write_run(folder: Path, count: int, samples: int, images: int) -> int:
    """The records on disk, as a run leaves them; their bytes."""
    (folder / "records").mkdir(parents=True, exist_ok=True)
    generator, labels = np.random.default_rng(0), np.arange(images) % 10
    total = 0
    for number in range(count):
        record = make_record(number, samples, labels, generator)
        total += (folder / "records" / f"{record.cell_id}.json").write_text(record.model_dump_json(indent=1) + "\n")
    return total


def timed(folder: Path) -> tuple[float, float, float]:
    """Seconds, seconds of the processor and peak bytes of one `backbench report` in a process of its own."""
    command = [sys.executable, "-m", "backbench", "report", str(folder)]
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=COMPILED)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    if os.waitstatus_to_exitcode(status):
        raise SystemExit("backbench report failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--keep", type=Path, help="a folder for the records; default a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="backbench-scale-") as scratch:
        folder = given.keep or Path(scratch)
        if not (folder / "records").is_dir():
            size = write_run(folder, given.records, given.samples, given.images)
            print(f"{given.records:,} records of {given.samples} samples written: {size / 1e6:.0f} MB")
            time.sleep(3)  # an index is kept of records that are not brand new
        timed(folder)  # compiles
        load = os.getloadavg()[0]
        (folder / ".report-index.json").unlink(missing_ok=True)
        found = {"first": timed(folder), "with index": timed(folder)}
    for name, (seconds, worked, memory) in found.items():
        held = seconds <= TARGETS[name] and memory <= MEMORY
        print(
            f"{name}: {seconds:.2f} s (target {TARGETS[name]:g} s; {worked:.2f} s of the processor),"
            f" {memory / 1e6:.0f} MB (target 1,000 MB): {'holds' if held else 'missed'}"
        )
    print(
        json.dumps({"records": given.records, "load_before": load, **{name: pair[0] for name, pair in found.items()}})
    )


if __name__ == "__main__":
    main()
