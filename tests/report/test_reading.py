"""Records are read as they were written, or refused in one sentence that names the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backbench.errors import BackbenchError, UsageError
from backbench.report.folders import find_records, read_records, records_in
from backbench.report.reading import read_record
from records_builder import make_cell, make_latency, make_record, write_records


@pytest.fixture
def record_file(tmp_path: Path) -> Path:
    folder = write_records(tmp_path / "run", make_record())
    return next((folder / "records").glob("*.json"))


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_record_comes_back_equal(tmp_path: Path) -> None:
    record = make_record()
    assert read_records([write_records(tmp_path, record)]) == [record]


def test_a_file_a_folder_of_files_and_a_run_are_all_read(tmp_path: Path, record_file: Path) -> None:
    loose = tmp_path / "loose"
    loose.mkdir()
    (loose / "copy.json").write_text(record_file.read_text())
    (loose / "study.json").write_text("{}")
    found = find_records([record_file, loose, record_file.parent.parent, record_file.parent])
    assert [item.path.name for item in found] == [record_file.name, "copy.json"]
    assert found[0].folder == record_file.parent.parent.resolve()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "skipped"}, "was changed after it was written"),
        ({"record_id": "0" * 64}, "was changed after it was written"),
        ({"schema_version": 2}, "newer backbench .record schema 2; this one reads 1"),
        ({"schema_version": 0}, "record schema '0' is not one"),
        ({"schema_version": True}, "record schema 'True' is not one"),
        ({"schema_version": "x" * 10_000_000}, "record schema 'x{40}' is not one"),
        ({"status": "perhaps"}, "malformed: status"),
        ({"extra": 1}, "malformed: extra"),
        ({"cell": {"model": "x"}}, r"malformed: cell.dataset: Field required"),
        ({"created_utc": None}, "malformed: created_utc"),
    ],
)
def test_what_was_changed_is_refused(record_file: Path, changes: dict[str, Any], sentence: str) -> None:
    rewrite(record_file, **changes)
    with pytest.raises(BackbenchError, match=sentence) as error:
        read_record(record_file)
    assert str(record_file) in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not JSON, or cut off"),
        ('{"schema_version": 1, "cell_id', "not JSON, or cut off"),
        ("[]", "no backbench record"),
        ('{"a": 1}', "no backbench record"),
        ('{"schema_version": 1, "cell_id": NaN}', "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "some.json"
    path.write_text(text)
    with pytest.raises(BackbenchError, match=sentence) as error:
        read_record(path)
    assert str(path) in str(error.value)


def test_a_technique_of_another_type_is_refused(record_file: Path) -> None:
    data = json.loads(record_file.read_text())
    rewrite(record_file, cell={**data["cell"], "technique": 5})
    with pytest.raises(BackbenchError, match=r"malformed: .*not 5"):
        read_record(record_file)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BackbenchError, match="not JSON"):
        read_record(tmp_path / "x.json")


def test_a_latency_of_infinity_is_refused(record_file: Path) -> None:
    record_file.write_text(record_file.read_text().replace("0.001", "1e999", 1))
    with pytest.raises(BackbenchError, match="malformed"):
        read_record(record_file)


def test_all_faulty_files_are_named_at_once(tmp_path: Path) -> None:
    write_records(tmp_path, make_record())
    for number in range(25):
        (tmp_path / "records" / f"bad{number:02}.json").write_text("{")
    with pytest.raises(BackbenchError) as error:
        read_records([tmp_path])
    lines = str(error.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "… and 5 more files"


def test_no_folder_and_an_empty_folder_are_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        read_records([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="no such folder"):
        read_records([Path("x" * 10_000)])
    with pytest.raises(UsageError, match="there are no records"):
        records_in([tmp_path])


def test_a_folder_of_runs_gives_the_records_of_each(tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        cell = make_cell(seed=number)
        record = make_record().model_copy(update={"cell": cell, "cell_id": cell.id}).sealed()
        write_records(tmp_path / name, record)
    (tmp_path / "weights").mkdir()
    found = find_records([tmp_path])
    assert [item.folder.name for item in found] == ["one", "two"]
    assert find_records([tmp_path, tmp_path / "two"]) == found


def test_many_records(tmp_path: Path) -> None:
    record = make_record()
    cells = [make_cell(seed=seed) for seed in range(300)]
    made = [record.model_copy(update={"cell": cell, "cell_id": cell.id}).sealed() for cell in cells]
    assert len(read_records([write_records(tmp_path, *made)])) == 300


def test_numbers_survive_the_file_exactly(tmp_path: Path) -> None:
    values = (0.1 + 0.2, 1e-7, 5e-324, 1 / 3)
    record = make_record(latency=None, measurements={"latency": make_latency([values])})
    read = read_records([write_records(tmp_path, record)])[0]
    assert read.measurements["latency"].samples[0].values == values
