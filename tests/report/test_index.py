"""The index prints what was printed, and never hides a change."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from backbench.errors import BackbenchError
from backbench.report import index
from backbench.report.index import NAME, kept, state_of
from backbench.report.writing import Written, make_report
from records_builder import make_cell, make_record, write_records


@pytest.fixture
def old_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six records that count as many and as settled: an inode's own time can't be set back."""
    monkeypatch.setattr(index, "LEAST", 5)
    monkeypatch.setattr(index, "YOUNG", 0)
    return write_records(tmp_path / "run", *(make_record(make_cell(seed=seed)) for seed in range(6)))


def read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Written, int]:
    """The report, and how often records were read for it."""
    from backbench.report import writing

    calls = 0
    honest = writing.survey

    def counting(folders: list[Path]) -> object:
        nonlocal calls
        calls += 1
        return honest(folders)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "survey", counting)
        return make_report(folder, [folder]), calls


def test_an_unchanged_report_is_printed_without_reading_a_record(
    old_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, read = read_again(old_run, monkeypatch)
    assert read == 1
    assert (old_run / NAME).is_file()
    again, read = read_again(old_run, monkeypatch)
    assert read == 0
    assert again == first


def test_a_new_a_changed_and_a_removed_record_are_seen(old_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_report(old_run, [old_run])
    write_records(old_run, make_record(make_cell(seed=99)))
    written, read = read_again(old_run, monkeypatch)
    assert (read, written.shown.counts) == (1, "7 cells: 7 measured.")
    next((old_run / "records").glob("*.json")).unlink()
    written, read = read_again(old_run, monkeypatch)
    assert (read, written.shown.counts) == (1, "6 cells: 6 measured.")


def test_a_tampered_record_of_the_same_size_and_time_is_refused(old_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_report(old_run, [old_run])
    path = next((old_run / "records").glob("*.json"))
    before = path.stat()
    path.write_text(path.read_text().replace('"round": 1', '"round": 9'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    written, read = read_again(old_run, monkeypatch)
    assert read == 1
    assert any("was changed after it was written" in line for line in written.shown.faults)


def test_a_changed_study_and_an_edited_report_are_written_again(old_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_report(old_run, [old_run])
    (old_run / "study.json").write_text(json.dumps({"baseline": {"seed": 3}}))
    assert read_again(old_run, monkeypatch)[1] == 1
    report = old_run / "report.md"
    text = report.read_text()
    report.write_text("edited")
    assert read_again(old_run, monkeypatch)[1] == 1
    assert report.read_text() == text
    (old_run / "report.csv").unlink()
    assert read_again(old_run, monkeypatch)[1] == 1
    assert (old_run / "report.csv").is_file()


def test_a_broken_index_is_none(old_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_report(old_run, [old_run])
    (old_run / NAME).write_text('{"digest": 5')
    assert read_again(old_run, monkeypatch)[1] == 1


def test_records_that_are_brand_new_or_few_have_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_records(tmp_path, *(make_record(make_cell(seed=seed)) for seed in range(6)))
    make_report(folder, [folder])
    assert not (folder / NAME).exists()
    monkeypatch.setattr(index, "LEAST", 5)
    assert not state_of([folder]).settled
    make_report(folder, [folder])
    assert not (folder / NAME).exists()


def test_other_options_are_another_report(old_run: Path) -> None:
    make_report(old_run, [old_run])
    assert kept(old_run, state_of([old_run], "")) is not None
    assert kept(old_run, state_of([old_run], "some document")) is None


def test_records_that_can_only_be_read_are_indexed_where_the_report_is_written(old_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make_report(out, [old_run])
    assert (out / NAME).is_file()
    assert not (old_run / NAME).exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_can_not_be_written_is_one_sentence(old_run: Path) -> None:
    old_run.chmod(0o500)
    try:
        with pytest.raises(BackbenchError, match="can't be written"):
            make_report(old_run, [old_run])
    finally:
        old_run.chmod(0o700)
