"""What a technique changed, in a line: integer share and speed against the same cell with a shorter chain."""

from __future__ import annotations

from pathlib import Path

from backbench.report.changes import changes
from backbench.report.folders import records_in
from backbench.report.section import sections
from records_builder import make_cell, make_gate, make_record, write_records

SLOW, FAST = [(2e-3,) * 3] * 5, [(1e-3,) * 3] * 5
FACTS = {"stored": 270_000, "nonzero": 270_000, "bytes": 1_100_000, "macs": 40_000_000}
AWARE = make_cell("resnet20", "quantize_aware:recipe=short+quantize_static:calibration=256", "onnxruntime")


def test_a_completed_chain_is_held_against_the_bare_network(tmp_path: Path) -> None:
    steps = [
        {"technique": "quantize_aware:recipe=short", "parent": FACTS, "child": FACTS},
        {"technique": "quantize_static:calibration=256", "parent": FACTS, "child": {**FACTS, "bytes": 330_000}},
    ]
    executed = {"integer_operators": 21, "integer_share": 0.874}
    aware = make_record(AWARE, FAST, evidence={"steps": steps}, executed=executed)
    bare = make_record(make_cell("resnet20", "none", "onnxruntime"), SLOW)
    (section,) = sections(records_in([write_records(tmp_path, aware, bare)]))
    first, second = changes(section)
    assert first == "#2 quantize_aware: parameters unchanged; non-zero unchanged; bytes unchanged; MACs unchanged"
    assert second.endswith(
        "bytes 1.10 → 0.330 MB; MACs unchanged; 21 integer operators executed; 87 % of the time in integer kernels; "
        "speed against #1, which is the same without these: 2.00× faster (2.00–2.00)"
    )


def test_a_share_that_nobody_told_is_not_printed(tmp_path: Path) -> None:
    steps = [{"technique": "quantize_static:calibration=256", "parent": FACTS, "child": FACTS}]
    executed = {"integer_share": None, "integer_share_reason": "no times"}
    (section,) = sections(
        records_in([write_records(tmp_path, make_record(AWARE, evidence={"steps": steps}, executed=executed))])
    )
    assert "integer kernels" not in "".join(changes(section))


def test_without_an_accuracy_the_agreement_is_told(tmp_path: Path) -> None:
    steps = [{"technique": "quantize_static:calibration=256", "parent": FACTS, "child": FACTS}]
    gate = make_gate().model_copy(update={"agreement": 0.97654, "n": 256})
    seen, told = (make_record(AWARE, correct=right, evidence={"steps": steps}, gate=gate) for right in (None, 324))
    without, with_accuracy = (
        "".join(changes(sections(records_in([write_records(tmp_path / name, record)]))[0]))
        for name, record in (("without", seen), ("with", told))
    )
    assert "; eager fp32's class in 97.7 % of 256 images" in without
    assert "eager fp32's class" not in with_accuracy
