"""What an ExecuTorch program holds, read from its file: the kernels it calls, and inside each part that XNNPACK takes,
the operators with the type of numbers that they compute in.

A program is a flatbuffer followed by segments; XNNPACK's part is a header, a flatbuffer of its own graph and weights.
executorch's own reader takes the first apart and its `flatc` the second.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

XNNPACK = "XnnpackBackend"
SCHEMA = "schema.fbs"
BOOKKEEPING = ("executorch_prim::", "aten::sym_")  # shapes and views: nothing is computed
NO_JSON = re.compile(r"(:\s*)-?(?:inf|nan)\b")  # bounds of an activation without any, as flatc writes them
# Nodes of XNNPACK's graph that multiply and add.
COMPUTING = ("XNNConv2d", "XNNDepthwiseConv2d", "XNNConvTranspose2d", "XNNFullyConnected", "XNNBatchMatrixMultiply")


@dataclass
class Program:
    """Operators by name: those that XNNPACK takes, those left to portable kernels; computing ones with their type."""

    delegated: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    computing: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> str:
        """`int8` where any computing operator is, else the commonest type."""
        kinds: Counter[str] = Counter()
        for name, count in self.computing.items():
            kinds[name.rpartition(" ")[2]] += count
        return "int8" if kinds["int8"] else max(kinds, key=kinds.__getitem__, default="fp32")


def read_program(path: Path) -> Program:
    """The program's first method."""
    from executorch.exir._serialize._program import deserialize_pte_binary

    program, found = deserialize_pte_binary(path.read_bytes()).program, Program()
    plan = program.execution_plan[0]
    for instruction in (step for chain in plan.chains for step in chain.instructions):
        call = instruction.instr_args
        if type(call).__name__ == "KernelCall" and not plan.operators[call.op_index].name.startswith(BOOKKEEPING):
            found.left[plan.operators[call.op_index].name] += 1
    for delegate in plan.delegates:
        if delegate.id == XNNPACK:
            add_graph(found, graph_of(bytes(program.backend_delegate_data[delegate.processed.index].data)))
    return found


def graph_of(payload: bytes) -> dict[str, Any]:
    """XNNPACK's graph as plain data."""
    from executorch.backends.xnnpack.serialization import xnnpack_graph_serialize as serialize
    from executorch.exir._serialize._flatbuffer import _flatc_decompile

    header = serialize.XNNHeader.from_bytes(payload[: serialize.XNNHeader.EXPECTED_LENGTH])
    start = header.flatbuffer_offset
    with tempfile.TemporaryDirectory(prefix="backbench-") as name:
        folder = Path(name)
        (folder / SCHEMA).write_bytes(files("executorch.backends.xnnpack.serialization").joinpath(SCHEMA).read_bytes())
        (folder / "graph.bin").write_bytes(payload[start : start + header.flatbuffer_size])
        _flatc_decompile(name, str(folder / SCHEMA), str(folder / "graph.bin"))
        text = (folder / "graph.json").read_text()
    found: dict[str, Any] = json.loads(NO_JSON.sub(r"\1null", text))
    return found


def add_graph(found: Program, graph: dict[str, Any]) -> None:
    """A field that has its default is not written: 0 for a value's number."""
    types = {}
    for entry in graph.get("xvalues", []):
        value = entry["xvalue_union"]
        value = value.get("tensor_value", value)
        types[value.get("id_out", 0)] = value.get("datatype", "")
    for node in graph.get("xnodes", []):
        kind = str(node["xnode_union_type"]).lstrip("_")
        found.delegated[kind] += 1
        if kind in COMPUTING:
            found.computing[f"{kind} {type_name(types[node['xnode_union'].get('input1_id', 0)])}"] += 1


def type_name(datatype: str) -> str:
    """`xnn_datatype_qcint8` → int8."""
    name = datatype.removeprefix("xnn_datatype_")
    return "int8" if name.endswith("int8") else name
