"""The run's folder: atomic files, resuming, locks, tampering."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from tests.records_builder import make_record

from backbench.errors import BackbenchError, UsageError
from backbench.records.store import RunFolder, write_atomically


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create()
    return made


def test_a_record_comes_back(folder: RunFolder) -> None:
    record = make_record()
    folder.write_record(record)
    assert folder.read_record(record.cell_id) == record
    assert folder.read_record("0" * 16) is None


def test_a_changed_record_is_not_trusted(folder: RunFolder) -> None:
    record = make_record()
    path = folder.write_record(record)
    data = json.loads(path.read_text())
    data["measurements"]["latency"]["samples"][0]["values"][0] /= 2
    path.write_text(json.dumps(data))
    assert folder.read_record(record.cell_id) is None


def test_samples_are_kept_by_round_and_voided_by_round(folder: RunFolder) -> None:
    for cell in ("a", "b"):
        for number in (0, 1):
            folder.write_sample(cell, number, {"value": number})
    folder.void_round(1)
    assert folder.read_samples("a") == {0: {"value": 0}} == folder.read_samples("b")
    folder.discard_samples("a")
    assert folder.read_samples("a") == {}


def test_a_half_written_file_counts_as_not_there(folder: RunFolder) -> None:
    folder.write_sample("a", 0, {"value": 1})
    (folder.path / "samples" / "a" / "001.json").write_text('{"val')
    assert list(folder.read_samples("a")) == [0]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BackbenchError, match="No space left on device"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["file"]


def test_a_place_that_can_not_be_written_is_known_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="nothing can be written there"):
        RunFolder(tmp_path / "file" / "run").create()


def test_a_second_run_waits_for_the_first(folder: RunFolder) -> None:
    waited, order = threading.Event(), []

    def second() -> None:
        with RunFolder(folder.path).lock(waited.set):
            order.append("second")

    with folder.lock(lambda: order.append("first waited")):
        other = threading.Thread(target=second)
        other.start()
        assert waited.wait(10)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]
