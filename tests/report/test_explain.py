"""explain: what was changed and what not, why, and the remedy, from records with exact values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from backbench.cli.explain import explain as command
from backbench.errors import BackbenchError
from backbench.records.schema import Record
from backbench.report.explain import Explanation, explain
from backbench.report.folders import find_records
from records_builder import make_artefact, make_cell, make_record, make_refused, make_warning, write_records

SLOW, FAST = [(2e-3,) * 3] * 5, [(1e-3,) * 3] * 5
BARE = make_cell("resnet20", "none", "onnxruntime")
INT8 = make_cell("resnet20", "quantize_static:calibration=256", "onnxruntime")
MASKED = make_cell("resnet20", "prune_unstructured:amount=0.5", "onnxruntime")
INTEGER = {
    "integer_operators": 21, "integer_share": 0.9, "time_by_kernel": {"int8 Conv": 9e-4, "fp32 Resize": 1e-4},
}  # fmt: skip


def artefact(stored: int = 270_000, nonzero: int = 270_000, size: int = 1_100_000) -> dict[str, Any]:
    return make_artefact(
        bytes=size,
        trained=True,
        parameters={"stored": stored, "nonzero": nonzero, "trainable": stored, "subnormal": 0, "weights_bytes": size},
    )


def bare(**fields: Any) -> Record:
    return make_record(BARE, **{"latency": SLOW, "correct": 340, "artefact": artefact(), **fields})


def int8(**fields: Any) -> Record:
    fixed = {"latency": FAST, "correct": 340, "artefact": artefact(size=330_000), "executed": INTEGER}
    return make_record(INT8, **{**fixed, **fields})


def explained(folder: Path, record: Record, *others: Record) -> Explanation:
    write_records(folder, record, *others)
    return explain(find_records([folder / "records" / f"{record.cell_id}.json"])[0])


def answers(found: Explanation) -> dict[str, str]:
    return {verdict.question: verdict.answer for verdict in found.verdicts}


def why(found: Explanation) -> str:
    return "\n".join(map(str, found.causes))


def test_a_quantized_network_has_as_many_parameters_in_a_smaller_file(tmp_path: Path) -> None:
    found = explained(tmp_path, int8(), bare())
    assert answers(found) == {
        "fewer parameters": "no",
        "more zeros": "no",
        "smaller file": "yes",
        "fewer MACs": "no",
        "faster here": "yes",
        "accuracy": "kept within 1 pp",
    }
    assert str(found.verdicts[2]) == "smaller file: yes (1.10 → 0.330 MB, 3.33× fewer)"
    assert str(found.verdicts[4]) == "faster here: yes (2.00× faster (2.00–2.00))"
    assert "fewer bits a number remove no parameter and no MAC" in why(found)
    assert found.against.startswith("against none (record ")


def test_masks_are_said_to_be_masks(tmp_path: Path) -> None:
    masked = make_record(MASKED, SLOW, 300, artefact=artefact(nonzero=135_000))
    found = explained(tmp_path, masked, bare())
    assert answers(found) == {
        "fewer parameters": "no",
        "more zeros": "yes",
        "smaller file": "no",
        "fewer MACs": "no",
        "faster here": "no",
        "accuracy": "lost 11 pp",
    }
    assert "masks remove nothing: 0.135 M weights more are zero" in why(found)
    assert "Remedy: prune_channels removes channels" in why(found)
    assert "Remedy: a smaller amount, or finetune behind it." in why(found)


def test_the_float_operator_that_has_the_time_is_named(tmp_path: Path) -> None:
    kernels = {"int8 Conv": 3e-4, "fp32 Resize": 6.3e-4, "fp32 Add": 0.7e-4}
    executed = {"integer_operators": 21, "integer_share": 0.3, "time_by_kernel": kernels}
    found = explained(tmp_path, int8(latency=SLOW, executed=executed), bare())
    assert answers(found)["faster here"] == "no"
    assert "30 % of the time is in integer kernels; 63 % is in fp32 Resize" in why(found)


def test_integer_kernels_that_do_not_pay_are_no_mystery(tmp_path: Path) -> None:
    found = explained(tmp_path, int8(latency=[(3e-3,) * 3] * 5), bare())
    assert answers(found)["faster here"] == "no"
    assert "90 % of the time is in integer kernels, and they are no faster" in why(found)


def test_quantized_on_paper(tmp_path: Path) -> None:
    executed = {"integer_operators": 0, "integer_share": 0.0, "time_by_kernel": {"fp32 Conv": 1e-3}}
    found = explained(tmp_path, int8(latency=SLOW, executed=executed), bare())
    assert "no integer operator was executed" in why(found)


def test_weights_that_were_removed_are_no_zeros(tmp_path: Path) -> None:
    smaller = make_cell("resnet20", "prune_channels:ratio=0.5", "onnxruntime")
    removed = make_record(smaller, latency=FAST, correct=340, artefact=artefact(135_000, 135_000, 550_000))
    found = explained(tmp_path, removed, bare())
    assert answers(found)["fewer parameters"] == "yes"
    assert answers(found)["more zeros"] == "no"
    assert "masks" not in why(found)


def test_subnormal_weights_come_with_their_remedy(tmp_path: Path) -> None:
    warning = make_warning("subnormal", message="subnormal weights make it slower: 3.40 × the time", remedy="zero them")
    found = explained(tmp_path, int8(warnings=(warning, make_warning("unsteady"))), bare())
    assert "subnormal weights make it slower: 3.40 × the time. Remedy: zero them." in why(found)
    assert "did not settle" not in why(found)


def test_a_lost_accuracy_has_a_remedy(tmp_path: Path) -> None:
    found = explained(tmp_path, int8(correct=300), bare())
    assert answers(found)["accuracy"] == "lost 11 pp"
    assert "McNemar p = " in str(found.verdicts[-1])
    assert "quantize_aware before it" in why(found)


def test_too_few_images_are_no_equality(tmp_path: Path) -> None:
    found = explained(tmp_path, int8(correct=337), bare())
    assert answers(found)["accuracy"] == "can't tell"
    assert "360 test images are too few to exclude a loss of 1 pp" in why(found)


def test_the_parent_is_the_longest_shorter_chain(tmp_path: Path) -> None:
    chain = make_cell("resnet20", "prune_unstructured:amount=0.5+quantize_static:calibration=256", "onnxruntime")
    both = make_record(chain, FAST, 300, artefact=artefact(nonzero=135_000, size=330_000), executed=INTEGER)
    masked = make_record(MASKED, SLOW, 300, artefact=artefact(nonzero=135_000))
    found = explained(tmp_path, both, bare(), masked)
    assert "prune_unstructured:amount=0.5" in found.against
    assert answers(found)["more zeros"] == "no"
    assert answers(found)["smaller file"] == "yes"


def test_another_runtime_is_no_parent(tmp_path: Path) -> None:
    found = explained(tmp_path, int8(), make_record(make_cell("resnet20", "none", "eager"), SLOW))
    assert answers(found)["faster here"] == "can't tell"
    assert "run both in one study" in why(found)


def test_without_a_parent_the_evidence_of_the_last_step_stands_in(tmp_path: Path) -> None:
    parent = {"stored": 270_000, "nonzero": 270_000, "bytes": 1_100_000, "macs": 40_000_000}
    step = {"technique": "quantize_static:calibration=256", "parent": parent, "child": {**parent, "bytes": 330_000}}
    found = explained(tmp_path, int8(evidence={"steps": [step]}))
    assert answers(found) == {
        "fewer parameters": "no",
        "more zeros": "no",
        "smaller file": "yes",
        "fewer MACs": "no",
        "faster here": "can't tell",
        "accuracy": "can't tell",
    }
    assert found.evidence == (
        "quantize_static: parameters unchanged; non-zero unchanged; bytes 1.10 → 0.330 MB; MACs unchanged",
    )


def test_a_record_that_holds_nothing_claims_nothing(tmp_path: Path) -> None:
    empty = make_record(INT8, None, None, artefact=None, cost={}, inputs={}, host={}, protocol={}, conditions=None)
    assert set(answers(explained(tmp_path, empty)).values()) == {"can't tell"}


def test_the_untouched_network_has_no_verdicts(tmp_path: Path) -> None:
    found = explained(tmp_path, bare())
    assert found.verdicts == ()
    assert "no technique was applied" in why(found)


def test_stored_bits_compute_nothing(tmp_path: Path) -> None:
    half = make_record(
        make_cell("resnet20", "weights_half:dtype=fp16", "onnxruntime"), SLOW, 340, artefact=artefact(size=560_000)
    )
    found = explained(tmp_path, half, bare())
    assert answers(found)["smaller file"] == "yes"
    assert "16 bits are how the weights are stored" in why(found)


def shown(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(arguments))


def test_the_command_prints_verdicts_reasons_and_evidence(tmp_path: Path) -> None:
    folder = write_records(tmp_path, int8(), bare())
    text = shown(INT8.id[:8], "--in", str(folder)).stdout
    assert text.startswith("resnet20 · quantize_static:calibration=256 · onnxruntime\nagainst none (record ")
    assert "\n  smaller file: yes (1.10 → 0.330 MB, 3.33× fewer)\n" in text
    assert "\nwhy\n  fewer bits a number" in text
    data = json.loads(shown(INT8.id[:8], "--in", str(folder), "--json").stdout)
    assert data["verdicts"][0] == {"question": "fewer parameters", "answer": "no", "figures": "0.270 → 0.270 M"}


def test_a_cell_that_was_not_measured_says_why(tmp_path: Path) -> None:
    with pytest.raises(BackbenchError, match="this cell was failed: out of memory"):
        explained(tmp_path, make_refused("failed", "out of memory", INT8))


def test_a_broken_neighbour_is_not_this_records_fault(tmp_path: Path) -> None:
    write_records(tmp_path, bare())
    (tmp_path / "records" / "broken.json").write_text("{")
    assert answers(explained(tmp_path, int8()))["smaller file"] == "yes"
