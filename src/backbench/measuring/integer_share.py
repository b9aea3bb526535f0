"""Where a quantized network's time goes: the share of a call that its runtime spends in 8-bit integer kernels (rule 17).

Read once, in the check before anything is timed, from the runtime's own profiler: profiling costs time of its own, so these seconds say
where the time goes, never how much there is. Where a runtime tells no time per operator, the reason stands in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backbench.artefacts.artefact import Artefact
from backbench.errors import Skip
from backbench.runtimes.node_time import NodeTime, integer_share
from backbench.runtimes.runtime import Runtime
from backbench.spec.cell import Cell
from backbench.techniques.chain import quantizes

CALLS = 10  # a mean over so many
KEPT = 12  # kinds of kernels that the record keeps, those with the most time


def integer_time(runtime: Runtime, artefact: Artefact, cell: Cell) -> dict[str, Any]:
    """integer_share (0…1) and seconds by kind of kernel, of a quantized cell; {} of any other."""
    if not any(quantizes(part) for part in artefact.technique):
        return {}
    batch = artefact.load_inputs()[: cell.batch]
    try:
        times = runtime.node_times(artefact, cell.device, cell.threads, batch, CALLS)
    except Skip as reason:
        return {"integer_share": None, "integer_share_reason": str(reason)}
    return {"integer_share": integer_share(times), "time_by_kernel": by_kernel(times)}


def by_kernel(times: Iterable[NodeTime]) -> dict[str, float]:
    """`int8 Conv` → seconds of one call; the largest, and the rest together."""
    seconds: dict[str, float] = {}
    for time in times:
        kind = f"{time.precision} {time.kind}"
        seconds[kind] = seconds.get(kind, 0.0) + time.seconds
    ordered = sorted(seconds, key=lambda kind: -seconds[kind])
    rest = sum(seconds[kind] for kind in ordered[KEPT:])
    largest = {kind: seconds[kind] for kind in ordered[:KEPT]}
    return {**largest, "other": rest} if rest > 0 else largest
