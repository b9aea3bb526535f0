"""The parts of a profile as jobs: plain data in, plain data out, each in a process of its own.

Every result carries the peak resident bytes of its process (`peak`), so that a profile says what it took itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backbench.artefacts.artefact import Artefact
from backbench.execute.job import Report
from backbench.measuring.cpu import thread_budget
from backbench.measuring.memory import reset_peak, status
from backbench.measuring.sampling import Source
from backbench.profiling.inputs import distinct, random_images
from backbench.profiling.network import build_network, input_of, open_network, structure_of
from backbench.profiling.part_job import PartJob
from backbench.profiling.prediction import free_bytes, predict
from backbench.profiling.sweep_jobs import counts_part, limit_part, point_part
from backbench.profiling.timed import NodeTime
from backbench.profiling.whole import WholeJob, opener, take_whole
from backbench.runtimes import REGISTRY as RUNTIMES
from backbench.runtimes.torch_session import use_device

if TYPE_CHECKING:
    pass

NODE_CALLS = 10


def perform(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """{part, job} → that part's result and the `peak` of this process."""
    reset_peak()
    result = PARTS[payload["part"]](payload["job"])
    return {**result, "peak": peak_bytes()}


def peak_bytes() -> int | None:
    try:
        return status("VmHWM")
    except OSError:  # only Linux tells
        return None


def structure_part(data: dict[str, Any]) -> dict[str, Any]:
    """{structure, prediction}: nothing is computed unless the network's path depends on values.

    Raises Skip where this machine has not the device.
    """
    job = PartJob.model_validate(data)
    use_device(f"profile of {job.cell.model}", job.cell.device, job.cell.threads)
    baseline = 0 if job.cell.device.startswith("cuda") else resident()
    found = structure_of(job.cell, job.settings)
    prediction = predict(found, baseline, free_bytes(job.settings, job.cell.device))
    return {"structure": found.model_dump(mode="json"), "prediction": prediction.model_dump(mode="json")}


def resident() -> int:
    """Bytes that this process holds: imports, and nothing built yet."""
    try:
        return status("VmRSS")
    except OSError:
        import psutil

        return int(psutil.Process().memory_info().rss)


def whole_part(data: dict[str, Any]) -> dict[str, Any]:
    return take_whole(WholeJob.model_validate(data)).model_dump(mode="json")


def inside_part(data: dict[str, Any]) -> dict[str, Any]:
    """{blocks, operators} of eager's network, and its traces on disk."""
    from backbench.profiling.blocks import block_times
    from backbench.profiling.operators import operator_times, write_traces

    job = PartJob.model_validate(data)
    shape, device = input_of(job.cell), job.cell.device
    source = Source(random_images(shape, distinct(shape), 0))
    with thread_budget(job.cell.threads):
        model = build_network(job.cell, job.settings)
        with open_network(job.cell, model) as session:
            feed = source.feed(session, job.cell.batch, "model", 0)
            blocks = block_times(model, feed, job.depth, job.plan, device)
            operators = operator_times(feed, device)
            write_traces(model, feed, job.depth, device, job.perfetto, job.tensorboard)
    return {"blocks": blocks.model_dump(mode="json"), "operators": operators.model_dump(mode="json")}


def inputs_part(data: dict[str, Any]) -> dict[str, Any]:
    """{inputs}: random tensors against photographs, through the runtime's session."""
    from backbench.profiling.inputs import random_against_real

    job = PartJob.model_validate(data)
    assert job.images is not None
    whole = WholeJob(cell=job.cell, settings=job.settings, plan=job.plan, round=0, artefact=job.artefact)
    with thread_budget(job.cell.threads), opener(whole)() as session:
        found = random_against_real(session, input_of(job.cell), job.images, job.plan)
    return {"inputs": found.model_dump(mode="json")}


def nodes_part(data: dict[str, Any]) -> dict[str, Any]:
    """{nodes}: the runtime's own profile of its graph. Raises Skip where its library tells none."""
    job = PartJob.model_validate(data)
    assert job.artefact is not None
    artefact, runtime = Artefact.open(job.artefact), RUNTIMES.build(job.cell.runtime)
    batch = random_images(input_of(job.cell), 1, 0)
    with thread_budget(job.cell.threads):
        found = runtime.node_times(artefact, job.cell.device, job.cell.threads, batch, NODE_CALLS)
    nodes = [
        NodeTime(name=node.name, kind=node.kind, precision=node.precision, seconds=node.seconds, kernel=node.kernel)
        for node in found
    ]
    return {"nodes": [node.model_dump(mode="json") for node in nodes]}


def ceilings_part(data: dict[str, Any]) -> dict[str, Any]:
    from backbench.profiling.ceilings import ceilings

    job = PartJob.model_validate(data)
    return ceilings(job.cell.threads, job.cell.device).model_dump(mode="json")


PARTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "structure": structure_part,
    "whole": whole_part,
    "inside": inside_part,
    "inputs": inputs_part,
    "nodes": nodes_part,
    "ceilings": ceilings_part,
    "point": point_part,
    "counts": counts_part,
    "limit": limit_part,
}
