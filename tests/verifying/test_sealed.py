"""Each kind of tampering with a run's own files is caught, and says which file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.records_builder import make_cell, make_record

from backbench.records.manifest import MANIFEST, read_manifest, write_manifest
from backbench.records.schema import Record
from backbench.records.store import RunFolder
from backbench.settings import Settings
from backbench.spec.study import Planned, Study
from backbench.verifying.finding import Finding, exit_code, failed
from backbench.verifying.sealed import check_folder

CELLS = [make_cell(seed=seed) for seed in range(3)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = RunFolder(tmp_path / "run")
    folder.create()
    study = Study(name="example")
    folder.write_study(study.model_dump(mode="json"))
    for cell in CELLS:
        folder.write_record(make_record(cell))
    write_manifest(folder, study, [Planned(cell) for cell in CELLS], Settings())
    return folder.path


def faults(run: Path) -> list[Finding]:
    return [finding for finding in check_folder(run)[0] if finding.verdict == "fail"]


def record_path(run: Path) -> Path:
    return run / "records" / f"{CELLS[0].id}.json"


def test_a_run_as_it_was_written_passes(run: Path) -> None:
    findings, records, manifest = check_folder(run)
    assert {finding.verdict for finding in findings} == {"pass"}
    assert sorted(finding.kind for finding in findings) == ["lock", "manifest", "record", "record", "record", "study"]
    assert len(records) == 3
    assert manifest is not None
    assert exit_code(findings) == 0


def edit_number(run: Path) -> None:
    path = record_path(run)
    path.write_text(path.read_text().replace("0.001", "0.0009", 1))


def cut_record(run: Path) -> None:
    path = record_path(run)
    path.write_text(path.read_text()[:-200])


def exchange_record(run: Path) -> None:
    """A faster record of the same cell, sound in itself."""
    record_path(run).write_text(make_record(CELLS[0], latency=((0.0005,) * 3,) * 5).model_dump_json())


def other_cell(run: Path) -> None:
    """A sound record that says it is of another cell than it is."""
    record = make_record(CELLS[0], cell_id=CELLS[1].id)
    record_path(run).write_text(record.model_dump_json())


def remove_record(run: Path) -> None:
    record_path(run).unlink()


def add_record(run: Path) -> None:
    extra = make_record(make_cell(seed=9))
    (run / "records" / f"{extra.cell_id}.json").write_text(extra.model_dump_json())


def edit_lock(run: Path) -> None:
    path = run / "requirements.lock"
    path.write_text(path.read_text().replace("numpy==", "numpy==1"))


def edit_study(run: Path) -> None:
    path = run / "study.json"
    path.write_text(path.read_text().replace("example", "another"))


def edit_manifest(run: Path) -> None:
    path = run / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), "created_utc": "2020-01-01T00:00:00+00:00"}))


TAMPERED: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "a number in a record": (edit_number, "record", CELLS[0].id, "was changed after it was written"),
    "a record cut off": (cut_record, "record", CELLS[0].id, "cut off"),
    "a record exchanged": (exchange_record, "record", CELLS[0].id, "it was exchanged"),
    "a record of another cell": (other_cell, "record", CELLS[0].id, "is not the hash of its cell"),
    "a record taken away": (remove_record, "record", CELLS[0].id, "missing"),
    "a record added": (add_record, "record", make_cell(seed=9).id, "added later"),
    "the lock": (edit_lock, "lock", "requirements.lock", "changed after it was written"),
    "the study": (edit_study, "study", "study.json", "changed after it was written"),
    "the manifest": (edit_manifest, "manifest", "manifest.json", "was changed after it was written"),
}


@pytest.mark.parametrize(("tamper", "kind", "name", "words"), TAMPERED.values(), ids=TAMPERED)
def test_tampering_is_caught_by_name(
    tamper: Callable[[Path], None], kind: str, name: str, words: str, run: Path
) -> None:
    tamper(run)
    found = faults(run)
    assert [(finding.kind, finding.name.removesuffix(".json")) for finding in found] == [
        (kind, name.removesuffix(".json"))
    ]
    assert words in found[0].detail
    assert failed(found)
    assert exit_code(found) == 1


def test_a_run_without_a_manifest_is_no_pass(run: Path) -> None:
    (run / MANIFEST).unlink()
    findings, records, _ = check_folder(run)
    assert exit_code(findings) == 3
    assert len(records) == 3


def test_records_of_two_studies_in_one_folder_are_sealed_together(run: Path) -> None:
    folder, more = RunFolder(run), make_cell(seed=7)
    folder.write_record(make_record(more))
    write_manifest(folder, Study(name="example"), [Planned(more)], Settings())
    manifest = read_manifest(run)
    assert manifest is not None
    assert len(manifest.records) == 4
    assert faults(run) == []


def test_a_folder_of_record_files_with_its_manifest_is_a_run_too(run: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    shutil.copytree(run / "records", flat)
    for name in (MANIFEST, "study.json", "requirements.lock"):
        shutil.copy(run / name, flat / name)
    assert faults(flat) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"schema_version": 1}', "\x00\xff", '{"cell_id": NaN}'])
def test_a_record_that_is_none_is_a_finding_and_no_crash(text: str, run: Path) -> None:
    record_path(run).write_text(text)
    assert [finding.kind for finding in faults(run)] == ["record"]


def test_what_somebody_seals_anew_can_not_be_seen_here(run: Path) -> None:
    """The limit of hashes, said in the docs: against it only measuring again helps."""
    forged = make_record(CELLS[0], latency=((0.0005,) * 3,) * 5)
    folder = RunFolder(run)
    folder.write_record(forged)
    write_manifest(folder, Study(name="example"), [Planned(cell) for cell in CELLS], Settings())
    findings, records, _ = check_folder(run)
    assert not failed(findings)
    assert forged.record_id in {Record.model_validate(record).record_id for record in records}
