"""The checklists say what the records hold, leave open what they can't know, and make no markup of a name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.records_builder import make_artefact, make_cell, make_record, make_refused, write_records

from backbench.errors import UsageError
from backbench.records.manifest import write_manifest
from backbench.records.store import RunFolder
from backbench.settings import Settings
from backbench.spec.study import Planned, Study
from backbench.verifying.checklist import Filled, escaped, fill, markdown
from backbench.verifying.evidence import evidence_of

TRAINING = {
    "weights_sha256": "7" * 64, "seconds": 120.0,
    "recipe": {"name": "small", "epochs": 12, "batch": 64, "optimizer": "adamw", "lr": 0.005},
}  # fmt: skip
DATASET = {
    "name": "digits", "title": "Digits (8×8)", "sha256": "d" * 64, "n": 360,
    "provenance": {"images": {"train": 1295, "test": 360}, "parts": {"train": "of the source", "test": "drawn, seed 0"}},
}  # fmt: skip
INPUTS = {
    "dataset": DATASET,
    "preprocessing": {"size": [8, 8], "interpolation": "bilinear", "mode": "crop", "crop": 1.0},
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    measured = make_record(make_cell(), inputs=INPUTS, artefact=make_artefact(training=TRAINING, trained=True))
    refused = make_refused("skipped", "excluded by the study: no", make_cell(seed=1))
    folder = write_records(tmp_path / "run", measured, refused)
    (folder / "study.json").write_text("{}")
    cells = [Planned(measured.cell), Planned(refused.cell, "no")]
    write_manifest(RunFolder(folder), Study(name="example"), cells, Settings())
    return folder


def points(run: Path, checklist: str) -> list[Filled]:
    return [item for item in fill(evidence_of(run)) if item.checklist.startswith(checklist)]


def test_every_point_of_both_lists_is_there_once(run: Path) -> None:
    assert len(points(run, "ML")) == 21
    assert len({item.question for item in fill(evidence_of(run))}) == 21 + 9
    assert list(dict.fromkeys(item.section for item in points(run, "ACM"))) == [
        "Artifacts available", "Artifacts evaluated: functional", "Artifacts evaluated: reusable",
        "Results reproduced", "Results replicated",
    ]  # fmt: skip


def test_answers_are_the_records_own_facts(run: Path) -> None:
    answers = {item.question: item for item in points(run, "ML")}
    assert "Digits (8×8): train 1,295, test 360" in answers["Statistics such as the number of examples"].text
    assert "test: drawn, seed 0" in answers["How train, validation and test were split"].text
    assert "small (epochs 12, batch 64, optimizer adamw, lr 0.005)" in " ".join(item.text for item in answers.values())
    assert "2.0 minutes in all (1 training)" in answers["Average run time of each result, or energy"].text
    assert "1 of 2 cells measured" in answers["The exact number of training and evaluation runs"].text
    assert "5 processes a cell" in answers["Results have a central tendency and a variation"].text
    assert "Imaginary CPU" in answers["The computing infrastructure is described"].text
    assert answers["Dependencies are specified"].state == "answered"


def test_what_no_record_can_know_is_left_open(run: Path) -> None:
    left = {item.question: item.text for item in fill(evidence_of(run)) if item.state == "open"}
    for question in (
        "Assumptions are explained", "Each claim is stated", "Each claim is proved",
        "In a public archive that will last, under a stable address",
        "Another team had the main results with the author's artifacts",
        "Another team had the main results without the author's artifacts",
    ):  # fmt: skip
        assert left[question]


def test_without_a_manifest_less_is_answered(run: Path) -> None:
    before = sum(item.state == "answered" for item in fill(evidence_of(run)))
    (run / "manifest.json").unlink()
    after = fill(evidence_of(run))
    assert sum(item.state == "answered" for item in after) < before
    assert next(item for item in after if item.question == "Dependencies are specified").state == "partly"


def test_a_run_in_which_nothing_was_measured_claims_nothing(tmp_path: Path) -> None:
    run = write_records(tmp_path, make_refused("failed", "no memory"))
    answered = [item.question for item in fill(evidence_of(run)) if item.state == "answered"]
    assert "Results have a central tendency and a variation" not in answered
    assert "Statistics such as the number of examples" not in answered
    assert "Consistent: the artifacts are those of the results" not in answered


def test_a_network_of_the_authors_own_is_asked_for(tmp_path: Path) -> None:
    run = write_records(tmp_path, make_record(make_cell("mynets:small")))
    texts = {item.question: item.text for item in fill(evidence_of(run))}
    assert "mynets:small" in texts["Complete: every component is included"]
    assert "mynets:small" in texts["The setting, the algorithm and the model are described"]


def test_names_become_no_markup(tmp_path: Path) -> None:
    hostile = {"name": "x", "title": "<script>alert(1)</script> `code` [a](b) \n# head", "sha256": "d" * 64, "n": 360}
    run = write_records(tmp_path, make_record(inputs={"dataset": hostile}))
    text = markdown(fill(evidence_of(run)), "x")
    assert "<script>" not in text
    assert "\n# head" not in text
    assert "[a](b)" not in text
    assert "`code`" not in text
    assert escaped("a_b `c_d` <e>") == "a\\_b `c_d` \\<e\\>"


def test_free_fields_of_hostile_records_crash_nothing(tmp_path: Path) -> None:
    odd = make_record(
        inputs={"dataset": [], "preprocessing": 3}, artefact={"training": "x", "parameters": []}, cost={"counters": 1},
        host={"ram": "much", "packages": 5},
    )  # fmt: skip
    filled = fill(evidence_of(write_records(tmp_path, odd)))
    assert len(filled) == 30


def test_the_command_prints_both_forms_and_needs_records(run: Path, tmp_path: Path) -> None:
    def printed(*arguments: str) -> str:
        command = [sys.executable, "-m", "backbench", "checklist", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "- [x] **Evaluation code**" in printed(str(run))
    assert len(json.loads(printed(str(run), "--format", "json"))) == 30
    with pytest.raises(UsageError, match="there is no such folder"):
        evidence_of(tmp_path / "none")
