"""What ONNX Runtime's profiler writes, as times of operators.

An event of the category `Node` whose name ends in `_kernel_time` is one execution of one operator; `dur` is in
microseconds, `args` holds the operator's type, its provider, and the types and shapes of its inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backbench.artefacts.operators import INTEGER
from backbench.runtimes.node_time import NodeTime, precision_name

SUFFIX = "_kernel_time"


def read_events(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The executions of operators alone."""
    return [event for event in events if event.get("cat") == "Node" and str(event["name"]).endswith(SUFFIX)]


def node_times(events: Iterable[dict[str, Any]], calls: int) -> list[NodeTime]:
    """Means over each operator's last `calls` executions, in the order in which they are first executed."""
    executions: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        executions.setdefault(str(event["name"]).removesuffix(SUFFIX), []).append(event)
    return [node_time(name, found[-calls:]) for name, found in executions.items()]


def node_time(name: str, executions: list[dict[str, Any]]) -> NodeTime:
    told = executions[-1]["args"]
    seconds = sum(float(event["dur"]) for event in executions) / len(executions) / 1e6
    return NodeTime(name, str(told["op_name"]), node_precision(told), seconds, str(told.get("provider", "")))


def node_precision(told: dict[str, Any]) -> str:
    """Of the kernel: integer operators by their name, others by the type of their first input."""
    if str(told["op_name"]).startswith(INTEGER):
        return "int8"
    inputs = told.get("input_type_shape") or []
    return precision_name(next(iter(inputs[0]))) if inputs and inputs[0] else "unknown"
