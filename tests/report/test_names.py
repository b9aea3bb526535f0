"""What rows are called: short where nothing is mistaken for anything else."""

from __future__ import annotations

from pathlib import Path

from backbench.report.folders import records_in
from backbench.report.section import sections
from records_builder import make_cell, make_record, make_refused, write_records


def test_what_was_not_measured_is_not_called_what_was(tmp_path: Path) -> None:
    """A failed bf16 row beside a measured fp32 one: its option is shown, and lengthens no other name."""
    plain = make_cell(runtime="eager:precision=fp32,channels_last=false")
    last = make_cell(runtime="eager:precision=bf16,channels_last=false")
    whole = make_cell(runtime="openvino:precision=auto,streams=2")
    undecided = make_cell(technique="quantize_static:route=null", runtime="openvino:precision=auto,streams=null")
    found = write_records(
        tmp_path,
        make_record(plain),
        make_record(whole),
        *(make_refused("failed", "why", cell) for cell in (last, undecided)),
    )
    (section,) = sections(records_in([found]))
    named = {(row.cell.runtime.name, row.status): section.names.runtime(row) for row in section.rows}
    assert named == {
        ("eager", "ok"): "eager",
        ("openvino", "ok"): "openvino",
        ("eager", "failed"): "eager:precision=bf16",
        ("openvino", "failed"): "openvino",
    }
