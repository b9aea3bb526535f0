"""Where the time of a quantized network goes: the runtime's own times per operator, as shares and kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from artefact_builder import fake_cell, make_artefact
from latency_record import latency_record
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.errors import Skip
from backbench.measuring.integer_share import by_kernel, integer_time
from backbench.measuring.warnings import of_record
from backbench.records.schema import Record
from backbench.runtimes.fake import Fake
from backbench.runtimes.node_time import NodeTime
from backbench.spec.choice import parse_chain

TIMES = [
    NodeTime("a", "Conv", "int8", 0.003),
    NodeTime("b", "Resize", "fp32", 0.006),
    NodeTime("c", "Conv", "int8", 0.001),
]


class Timed(Fake):
    """A runtime that tells these times."""

    def node_times(
        self, artefact: Artefact, device: str, threads: int, batch: NDArray[np.float32], calls: int
    ) -> list[NodeTime]:
        assert batch.shape == (1, 1, 8, 8)
        return TIMES


class Silent(Fake):
    def node_times(
        self, artefact: Artefact, device: str, threads: int, batch: NDArray[np.float32], calls: int
    ) -> list[NodeTime]:
        raise Skip("runtime silent: it tells no time per operator")


QUANTIZED = {"technique": parse_chain("quantize_static")}


def test_the_share_and_the_kinds_of_kernels(tmp_path: Path) -> None:
    found = integer_time(Timed(), make_artefact(tmp_path, **QUANTIZED), fake_cell())
    assert found["integer_share"] == pytest.approx(0.4)
    assert found["time_by_kernel"] == pytest.approx({"fp32 Resize": 0.006, "int8 Conv": 0.004})


def test_a_network_that_is_not_quantized_is_not_profiled(tmp_path: Path) -> None:
    assert integer_time(Timed(), make_artefact(tmp_path), fake_cell()) == {}


def test_a_runtime_that_tells_nothing_leaves_its_reason(tmp_path: Path) -> None:
    found = integer_time(Silent(), make_artefact(tmp_path, **QUANTIZED), fake_cell())
    assert found == {"integer_share": None, "integer_share_reason": "runtime silent: it tells no time per operator"}


def test_small_kinds_are_kept_together() -> None:
    found = by_kernel(NodeTime("x", f"Kind{place}", "fp32", 1.0 + place) for place in range(20))
    assert len(found) == 13
    assert sum(found.values()) == pytest.approx(sum(1.0 + place for place in range(20)))


def quantized_record(executed: dict[str, Any], technique: str = "quantize_static") -> Record:
    record = latency_record({})
    cell = record.cell.model_copy(update={"technique": parse_chain(technique)})
    return record.model_copy(update={"cell": cell, "executed": executed})


def warnings(executed: dict[str, Any], technique: str = "quantize_static") -> list[str]:
    return [warn.message for warn in of_record(quantized_record(executed, technique)) if warn.code == "float-time"]


def test_most_of_the_time_in_float_is_a_doubt() -> None:
    kernels = {"fp32 Resize": 0.0063, "int8 Conv": 0.0030, "fp32 Add": 0.0007}
    (said,) = warnings({"integer_share": 0.30, "time_by_kernel": kernels})
    assert said == "30% of the time is in integer kernels; 63% is in fp32 Resize"


@pytest.mark.parametrize(
    ("isa", "technique", "doubts"),
    [
        (["avx2"], "quantize_static:reduce_range=false", ["saturation"]),
        (["avx2"], "quantize_static:reduce_range=true", []),
        (["avx2", "avx512_vnni"], "quantize_static:reduce_range=false", []),
    ],
)
def test_full_weights_on_a_processor_whose_sums_saturate_are_a_doubt(
    isa: list[str], technique: str, doubts: list[str]
) -> None:
    record = quantized_record({"precision": "int8"}, technique).model_copy(
        update={"host": {"machine": "x86_64", "isa": isa}}
    )
    assert [warn.code for warn in of_record(record) if warn.code == "saturation"] == doubts


@pytest.mark.parametrize(
    ("executed", "technique"),
    [
        ({"integer_share": 0.9, "time_by_kernel": {"int8 Conv": 0.9, "fp32 Add": 0.1}}, "quantize_static"),
        ({"integer_share": None, "integer_share_reason": "no times"}, "quantize_static"),
        ({}, "quantize_static"),
        ({"integer_share": 0.0, "time_by_kernel": {"fp32 Conv": 1.0}}, "weights_half"),
    ],
)
def test_what_is_none(executed: dict[str, Any], technique: str) -> None:
    assert warnings(executed, technique) == []
