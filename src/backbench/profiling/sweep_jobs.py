"""The parts of a sweep: the counts of many sizes, one size run, and the size at which memory will end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backbench.errors import Skip
from backbench.measuring.clock import WALL, timed
from backbench.measuring.cpu import thread_budget
from backbench.measuring.memory import Memory
from backbench.measuring.sampling import Source, call_times
from backbench.profiling import scaling
from backbench.profiling.counted import Shape
from backbench.profiling.inputs import random_images
from backbench.profiling.network import build_network, changed, dtype_of, first_line, input_of, open_network
from backbench.profiling.part_job import PartJob
from backbench.profiling.swept import Point
from backbench.profiling.tracing import Trace, trace

if TYPE_CHECKING:
    from torch import nn

WARM = 2  # calls before a size is timed
LEAST = 3


def point_part(data: dict[str, Any]) -> dict[str, Any]:
    """{seconds, rise, absolute} of one size of a sweep, in this fresh process."""
    job = PartJob.model_validate(data)
    shape = input_of(job.cell)
    images = random_images(shape, 1, 0)
    with thread_budget(job.cell.threads):
        memory = Memory.before(job.cell.device)
        with open_network(job.cell, build_network(job.cell, job.settings)) as session:
            feed = Source(images).feed(session, shape[0], "model", 0)
            _, first = timed(WALL, lambda: feed.call(feed.arguments[0]))
            if first < scaling.TARGET:
                call_times(feed, WALL, WARM, 0.0, scaling.CAP)
            seconds = call_times(feed, WALL, LEAST, scaling.TARGET, scaling.CAP)
            found = memory.after()
    rise = found.peak - found.baseline if found.peak is not None and found.baseline is not None else None
    device = found.device.get("max_memory_allocated")
    return {"seconds": seconds, "rise": device if device is not None else rise, "absolute": found.peak}


def counts_part(data: dict[str, Any]) -> dict[str, Any]:
    """{points}: bytes alive and MACs of each shape, or why it can't be followed."""
    job = PartJob.model_validate(data)
    model = build_network(job.cell, job.settings)
    return {"points": [counted(job, model, shape).model_dump(mode="json") for shape in job.shapes]}


def counted(job: PartJob, model: nn.Module, shape: Shape) -> Point:
    try:
        found = traced(job, model, shape)
    except Exception as error:  # a network may raise anything at another size
        return Point(input=shape, live=0, macs=0, reason=f"can't take this size: {first_line(error)}")
    return Point(input=shape, live=found.peak, macs=sum(step.macs for step in found.steps))


def traced(job: PartJob, model: nn.Module, shape: Shape) -> Trace:
    """Followed through this network, or through one that is built for the size."""

    try:
        return trace(model.to(dtype_of(job.cell)), shape, dtype_of(job.cell))
    except Exception:  # a network of a fixed size refuses others
        other = build_network(changed(job.cell, weights="random"), job.settings, (shape[2], shape[3]))
        return trace(other.to(dtype_of(job.cell)), shape, dtype_of(job.cell))


def limit_part(data: dict[str, Any]) -> dict[str, Any]:
    """{limit}: the first size along the axis that would not fit, by counting alone."""
    job = PartJob.model_validate(data)
    assert job.prediction is not None
    shape = input_of(job.cell)
    found = scaling.limit(
        lambda step: AXES[job.axis](shape, step),
        counting(job),
        scaling.needed_bytes(job.prediction, job.points),
        job.prediction.available,
        scaling.HIGHEST[job.axis],
    )
    return {"limit": found.model_dump(mode="json")}


def counting(job: PartJob) -> scaling.Count:
    """Bytes alive at any size: followed; or, where the network would have to be run, along the sizes that were.

    Raises Skip where those are too few.
    """
    if job.computed:
        line = scaling.line_fit([(point.pixels, point.live) for point in job.points])
        if line is None:
            raise Skip("the network's path depends on the values: what a larger size needs is known from a sweep alone")
        return lambda shape: int(line.at(shape[0] * shape[2] * shape[3]))
    model = build_network(job.cell, job.settings)
    return lambda shape: int(traced(job, model, shape).peak)


AXES: dict[str, Callable[[Shape, int], Shape]] = {
    "batch": lambda shape, step: (step, *shape[1:]),
    "resolution": scaling.nth_area,
}
