"""Where the time goes inside a runtime: seconds of each operator, as the runtime's own profiler tells them.

node_times(artefact, "openvino", batch=artefact.load_inputs()[:1])
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.runtimes import REGISTRY
from backbench.runtimes.node_time import NodeTime, integer_share
from backbench.spec.choice import Choice

__all__ = ["NodeTime", "integer_share", "node_times"]

CALLS = 20


def node_times(
    artefact: Artefact,
    runtime: Choice | str,
    batch: NDArray[np.float32],
    *,
    device: str = "cpu",
    threads: int = 1,
    calls: int = CALLS,
) -> list[NodeTime]:
    """Means over `calls` calls with this batch, in a session of its own, after warming up.

    Raises Skip where the runtime tells no time per operator, and whatever opening it raises.
    """
    choice = Choice.model_validate(runtime)
    return REGISTRY.build(choice).node_times(artefact, device, threads, batch, calls)
