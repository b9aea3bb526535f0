"""The manifest and the lock: what they hold, that they are sealed, and that nothing private gets into them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.records_builder import make_cell, make_record

from backbench.errors import BackbenchError, UsageError
from backbench.records import environment, lock, manifest
from backbench.records.manifest import MANIFEST, command, environment_of, read_manifest, write_manifest
from backbench.records.store import RunFolder
from backbench.settings import Settings
from backbench.spec.study import Planned, Study

LOCKED = """# a comment
numpy==2.4.6 ; python_full_version < '3.15' \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
Typing_Extensions==4.1 \\
    --hash=sha256:{c}
unhashed==1.0
""".format(a="a" * 64, b="b" * 64, c="c" * 64)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of two cells, one of them excluded."""
    run = RunFolder(tmp_path / "run")
    run.create()
    cell = make_cell(seed=3)
    run.write_study(Study(name="example").model_dump(mode="json"))
    run.write_record(make_record(cell))
    planned = [Planned(cell), Planned(make_cell(seed=4), "excluded by the study: why not")]
    write_manifest(run, Study(name="example"), planned, Settings(deterministic=True, max_memory=10**9))
    return run


def test_it_holds_what_it_takes_to_repeat_the_run(folder: RunFolder) -> None:
    found = read_manifest(folder.path)
    assert found is not None
    record = folder.read_record(make_cell(seed=3).id)
    assert record is not None
    assert found.records == {f"{record.cell_id}.json": record.record_id}
    assert found.study == Study(name="example").model_dump(mode="json")
    assert [cell["skip"] for cell in found.cells] == [None, "excluded by the study: why not"]
    assert found.cells[0]["cell"] == make_cell(seed=3).model_dump(mode="json")
    assert found.seeds == (3, 4)
    assert found.inputs[record.cell_id]["dataset"] == {"name": "digits", "sha256": "d" * 64}
    assert found.packages["numpy"] == lock.installed().versions["numpy"]
    assert found.settings == {
        "download": False, "allow_untrained": False, "max_memory": 10**9, "deterministic": True,
    }  # fmt: skip
    assert found.tool["version"]
    assert found.host["python"]
    assert set(found.files) == {"study.json", "requirements.lock"}


def test_a_change_is_seen(folder: RunFolder) -> None:
    path = folder.path / MANIFEST
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "seeds": [5]}))
    with pytest.raises(BackbenchError, match="was changed after it was written"):
        read_manifest(folder.path)
    path.write_text(path.read_text()[:100])
    with pytest.raises(BackbenchError, match="cut off"):
        read_manifest(folder.path)
    path.unlink()
    assert read_manifest(folder.path) is None


def test_a_newer_manifest_is_refused_with_its_version(folder: RunFolder) -> None:
    found = read_manifest(folder.path)
    assert found is not None
    newer = found.model_copy(update={"manifest_version": 2}).sealed()
    (folder.path / MANIFEST).write_text(newer.model_dump_json())
    with pytest.raises(BackbenchError, match="manifest version 2; this backbench reads 1"):
        read_manifest(folder.path)


def test_a_lock_that_was_changed_is_not_exported(folder: RunFolder) -> None:
    assert environment_of(folder.path)[1] == lock.installed()
    with (folder.path / "requirements.lock").open("a") as file:
        file.write("evil==1.0\n")
    with pytest.raises(BackbenchError, match=r"requirements\.lock: changed after it was written"):
        environment_of(folder.path)
    (folder.path / "requirements.lock").unlink()
    with pytest.raises(UsageError, match="a run writes both"):
        environment_of(folder.path)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["/somewhere/bin/backbench", "run", "study.yaml"], ("backbench", "run", "study.yaml")),
        (["/somewhere/backbench/__main__.py", "demo"], ("backbench", "demo")),
        (["/somewhere/else/__main__.py"], ("__main__.py",)),
        (["mine.py", "--fast"], ("mine.py", "--fast")),
    ],
)
def test_the_command_is_as_a_user_types_it(argv: list[str], expected: tuple[str, ...]) -> None:
    assert command(argv) == expected


def test_variables_that_matter_are_kept_and_nothing_private(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"OMP_NUM_THREADS": "3", "ONEDNN_MAX_CPU_ISA": "AVX2", "PYTHONHASHSEED": "0", "LD_PRELOAD": "libjemalloc.so"}
    private = {
        "TORCH_HOME": "/x", "CUDA_CACHE_PATH": "/x", "PYTORCH_TOKEN": "x", "HOME": "/x", "AWS_SECRET_ACCESS_KEY": "x",
        "OPENVINO_API_KEY": "x", "BACKBENCH_CACHE": "/x",
    }  # fmt: skip
    for name, value in {**kept, **private}.items():
        monkeypatch.setenv(name, value)
    found = environment.variables()
    assert kept.items() <= found.items()
    assert found.keys() & private.keys() == set()


def test_the_source_is_named_by_its_content() -> None:
    assert len(environment.source_sha256()) == 64
    assert environment.source_sha256() == environment.source_sha256.__wrapped__()


def test_one_loop_reads_versions() -> None:
    assert environment.packages(("numpy", "no-such-package-here")) == {"numpy": lock.installed().versions["numpy"]}


def test_a_lock_is_read_back_as_it_was_written() -> None:
    have = lock.Installed({"a": "1.0", "backbench": "0.1.0", "b-c": "2!3.0+cpu"}, frozenset({"backbench"}))
    assert lock.parse_lock(lock.lock_text(have)) == have


def test_what_is_installed_is_named_as_the_index_names_it() -> None:
    found = lock.installed()
    assert all(name == lock.normal(name) for name in found.versions)
    assert "typing-extensions" in found.versions
    assert "backbench" in found.versions


def test_hashes_come_from_a_lock_that_has_them(tmp_path: Path) -> None:
    found = lock.hashes_in(LOCKED)
    assert found == {
        ("numpy", "2.4.6"): (f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"),
        ("typing-extensions", "4.1"): (f"sha256:{'c' * 64}",),
    }
    have = lock.Installed({"numpy": "2.4.6", "unhashed": "1.0", "mine": "0.1"}, frozenset({"mine"}))
    hashed, plain = lock.split_by_hash(have, found)
    assert (hashed, plain) == ([("numpy", "2.4.6")], [("unhashed", "1.0")])
    assert lock.hashed_lines(hashed, found)[0].count("--hash=sha256:") == 2
    with pytest.raises(UsageError, match="the lock can't be read"):
        lock.known_hashes([tmp_path / "none.lock"])


def test_places_of_this_machine_are_not_in_the_manifest(folder: RunFolder) -> None:
    """The command may name some; nothing else does."""
    found = read_manifest(folder.path)
    assert found is not None
    text = found.model_dump_json(exclude={"command", "environment"})
    assert str(Path.home()) not in text
    assert str(folder.path) not in text
    assert str(Path(manifest.__file__).parents[3]) not in text


def test_the_docs_name_every_field() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "verify.md").read_text()
    missing = [name for name in manifest.Manifest.model_fields if f"| `{name}` |" not in page]
    assert missing == []
