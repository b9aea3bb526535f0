"""A profile as data: what was counted, what was timed, raw. Plain, without torch; pages and tables are functions of it.

Seconds and bytes. One JSON a network and input size (`OUT/profiles/<cell_id>.json`).

Schema history
    1  2026-11  first version
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from backbench.profiling.counted import Prediction, Shape, Structure, shape_text
from backbench.profiling.swept import Scaling
from backbench.profiling.timed import Blocks, Ceilings, Inputs, NodeTime, Operators, Process
from backbench.records.schema import Conditions, Frozen, Warn
from backbench.spec.cell import Cell

SCHEMA_VERSION = 1


class Profile(Frozen):
    """One network at one input size on one runtime. Parts that were not asked for, or failed, are None; `reasons`
    says why.
    """

    schema_version: int = SCHEMA_VERSION
    created_utc: str
    tool: dict[str, Any]
    study: str
    cell_id: str
    cell: Cell
    status: Literal["ok", "skipped", "failed"]
    reason: str | None = None
    reasons: dict[str, str] = Field(default_factory=dict)
    structure: Structure | None = None
    prediction: Prediction | None = None
    protocol: dict[str, Any] = Field(default_factory=dict)
    processes: tuple[Process, ...] = ()
    blocks: Blocks | None = None
    operators: Operators | None = None
    nodes: tuple[NodeTime, ...] = ()
    inputs: Inputs | None = None
    ceilings: Ceilings | None = None
    scaling: Scaling | None = None
    peaks: dict[str, int] = Field(default_factory=dict)  # part → peak resident bytes of the process that made it
    executed: dict[str, Any] = Field(default_factory=dict)
    host: dict[str, Any] = Field(default_factory=dict)
    conditions: Conditions | None = None
    warnings: tuple[Warn, ...] = ()

    @property
    def input(self) -> Shape:
        assert self.cell.input is not None
        return self.cell.input

    @property
    def label(self) -> str:
        return f"{self.cell.model} at {shape_text(self.input)} on {self.cell.runtime} ({self.cell.device})"
