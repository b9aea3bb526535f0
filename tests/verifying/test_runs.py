"""Real runs: verified where they were made and in another clone, repeated from a record, and caught when tampered with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.data.dataset_layouts import write_image_folder

import backbench
from backbench.records.manifest import write_manifest
from backbench.records.schema import Record
from backbench.records.store import RunFolder
from backbench.settings import Settings
from backbench.spec.study import Planned, Study
from backbench.verifying.finding import Finding
from backbench.verifying.verify import Terms, verify

pytest.importorskip("torch", reason="torch is not installed")

NETS = """
from torch import nn

def flat(num_classes, in_channels, input_size):
    height, width = input_size
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * height * width, num_classes))
"""
RECIPE = "description: a test's\nepochs: 2\nbatch: 8\noptimizer: adamw\nlr: {lr}\nprecision: fp32\n"
STUDY = (
    "--model", "mynets:flat", "--dataset", "./pets", "--recipe", "tiny.yaml", "--protocol", "screen",
    "--runtime", "eager", "--runtime", "onnxruntime", "--deterministic",
)  # fmt: skip


def user_folder(folder: Path) -> Path:
    """What a user has: a network, a recipe, and images of two kinds of pets."""
    folder.mkdir()
    (folder / "mynets.py").write_text(NETS)
    (folder / "tiny.yaml").write_text(RECIPE.format(lr=0.01))
    write_image_folder(folder / "pets")
    return folder


def command(folder: Path, cache: Path, *arguments: str, clone: Path | None = None) -> subprocess.CompletedProcess[str]:
    """backbench in this folder, with this cache, and from another clone's source where one is given."""
    environment = {**os.environ, "BACKBENCH_CACHE": str(cache)}
    if clone is not None:
        environment["PYTHONPATH"] = str(clone)
    return subprocess.run(
        [sys.executable, "-m", "backbench", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run in `run` and its cache in `cache`, as they were left."""
    folder = user_folder(tmp_path_factory.mktemp("made") / "user")
    done = command(folder, folder / "cache", "run", *STUDY, "--out", "run")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all that, to tamper with; the test stands in it."""
    folder = tmp_path / "user"
    shutil.copytree(made, folder, copy_function=shutil.copy2)
    monkeypatch.chdir(folder)
    return folder


def hashes(folder: Path) -> list[Finding]:
    """What `verify --sample 0` finds."""
    settings = Settings(cache=folder / "cache", data_root=folder)
    return verify(folder / "run", 0, Terms(folder / "again", settings, lambda progress: None))


def failures(folder: Path) -> list[Finding]:
    return [finding for finding in hashes(folder) if finding.verdict == "fail"]


def findings(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.stdout, done.stderr
    return list(json.loads(done.stdout)["findings"])


def besides_time(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """What failed, but for latency: while tests run, nobody keeps the machine quiet. The exit code is that of all."""
    found = findings(done)
    said = {finding["verdict"] for finding in found}
    assert done.returncode == (1 if "fail" in said else 3 if "can't tell" in said else 0)
    return [finding for finding in found if finding["verdict"] == "fail" and finding["kind"] != "latency"]


def verdicts(done: subprocess.CompletedProcess[str], kind: str) -> set[str]:
    return {finding["verdict"] for finding in findings(done) if finding["kind"] == kind}


def test_the_run_as_it_is_passes_by_its_hashes(copy: Path) -> None:
    found = hashes(copy)
    assert {finding.verdict for finding in found} == {"pass"}, found
    assert {finding.kind for finding in found} == {
        "manifest", "record", "lock", "study", "packages", "artefact", "weights", "recipe", "dataset",
    }  # fmt: skip


def test_changed_weights_of_an_artefact_are_named(copy: Path) -> None:
    path = next((copy / "cache" / "artefacts").glob("*/weights.safetensors"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (found,) = [finding for finding in failures(copy) if finding.kind == "artefact"]
    assert f"{path.parent.name}/weights.safetensors: the file was changed" in found.detail


def test_weights_with_an_artefact_file_that_agrees_are_not_the_records(copy: Path) -> None:
    """Changed together with the hash beside them: then the record still knows."""
    path = next((copy / "cache" / "artefacts").glob("*/weights.safetensors"))
    about = path.with_name("artefact.json")
    old = backbench_sha256(path)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    about.write_text(about.read_text().replace(old, backbench_sha256(path)))
    found = [finding for finding in failures(copy) if finding.kind == "artefact"]
    assert "not the file that was measured" in found[0].detail


def test_an_artefact_that_says_something_else_is_seen(copy: Path) -> None:
    """Its files are whole; what it says of the preprocessing would feed the network other pixels."""
    about = next((copy / "cache" / "artefacts").glob("*/artefact.json"))
    data = json.loads(about.read_text())
    data["preprocessing"]["mean"] = [0.0, 0.0, 0.0]
    about.write_text(json.dumps(data))
    (found,) = failures(copy)
    assert "artefact.json: says otherwise than the record: preprocessing" in found.detail


def backbench_sha256(path: Path) -> str:
    from backbench.artefacts.store import sha256

    return sha256(path)


def test_truncated_trained_weights_are_named(copy: Path) -> None:
    path = next((copy / "cache" / "trained").glob("*/weights.safetensors"))
    path.write_bytes(path.read_bytes()[:-8])
    (found,) = [finding for finding in failures(copy) if finding.kind == "weights"]
    assert found.name == str(path)


def test_a_missing_file_of_an_artefact_is_named(copy: Path) -> None:
    next((copy / "cache" / "artefacts").glob("*/model.onnx")).unlink()
    assert ["model.onnx: the file is missing" in finding.detail for finding in failures(copy)] == [True]


def test_an_artefact_that_is_not_here_is_no_fault(copy: Path) -> None:
    shutil.rmtree(copy / "cache" / "artefacts")
    assert failures(copy) == []
    assert {finding.verdict for finding in hashes(copy) if finding.kind == "artefact"} == {"not checked"}


def test_a_changed_image_is_a_changed_dataset(copy: Path) -> None:
    first, second = sorted((copy / "pets" / "test" / "cat").iterdir())[:2]
    first.write_bytes(second.read_bytes())
    (found,) = failures(copy)
    assert (found.kind, found.name) == ("dataset", "./pets")
    assert "not the images that were used" in found.detail


def test_a_changed_image_is_seen_though_size_and_time_are_as_before(copy: Path) -> None:
    """What the cache goes by. The source itself is read."""
    path = copy / "pets" / "test" / "cat" / "00.png"
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-20] ^= 1  # inside the pixels or their sum
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [finding.kind for finding in failures(copy)] == ["dataset"]


def test_a_truncated_image_is_a_broken_dataset(copy: Path) -> None:
    path = copy / "pets" / "train" / "dog" / "03.png"
    path.write_bytes(path.read_bytes()[:40])
    (found,) = failures(copy)
    assert found.kind == "dataset"


def test_a_changed_decoded_copy_in_the_cache_is_seen(copy: Path) -> None:
    path = next((copy / "cache" / "datasets").glob("*/test.pixels.npy"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (found,) = failures(copy)
    assert (found.kind, "the images of test" in found.detail) == ("dataset", True)


def test_a_dataset_that_is_not_here_is_no_fault(copy: Path) -> None:
    shutil.rmtree(copy / "pets")
    assert failures(copy) == []
    assert {finding.verdict for finding in hashes(copy) if finding.kind == "dataset"} == {"not checked"}


def test_a_changed_recipe_says_which_field(copy: Path) -> None:
    (copy / "tiny.yaml").write_text(RECIPE.format(lr=0.02))
    (found,) = failures(copy)
    assert (found.kind, found.name) == ("recipe", "tiny.yaml")
    assert "lr differ" in found.detail


def test_nothing_is_measured_where_a_hash_is_wrong(copy: Path) -> None:
    (copy / "run" / "requirements.lock").write_text("numpy==0\n")
    done = command(copy, copy / "cache", "verify", "run", "--sample", "1", "--json", "--data-root", ".")
    assert done.returncode == 1
    assert [finding["kind"] for finding in findings(done) if finding["verdict"] == "fail"] == ["lock"]
    assert verdicts(done, "latency") == set()


def test_a_record_that_names_code_is_not_measured_unless_trusted(made: Path) -> None:
    done = command(made, made / "cache", "verify", "run", "--sample", "1", "--json")
    assert done.returncode == 3
    assert verdicts(done, "cell") == {"can't tell"}
    assert "--trust-code" in done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another clone's source, to be first on the path."""
    source = tmp_path_factory.mktemp("clone") / "src"
    shutil.copytree(Path(backbench.__file__).parent, source / "backbench", ignore=shutil.ignore_patterns("__pycache__"))
    return source


def test_a_run_of_one_clone_verifies_in_another(made: Path, clone: Path, tmp_path: Path) -> None:
    """Another source folder, working directory and cache: trained, exported and measured again."""
    there = user_folder(tmp_path / "elsewhere")
    shutil.copytree(made / "run", there / "run")
    done = command(
        there, tmp_path / "cache", "verify", "run", "--sample", "2", "--trust-code", "--json", "--out", "again",
        clone=clone,
    )  # fmt: skip
    found = findings(done)
    assert besides_time(done) == []
    again = [
        item for item in found if item["kind"] == "artefact" and "again" in item["detail"] and item["verdict"] == "pass"
    ]
    assert len(again) == 2, found
    for kind in ("record", "lock", "study", "packages", "recipe", "dataset", "accuracy", "cost"):
        assert verdicts(done, kind) == {"pass"}, found
    assert "latency" in {item["kind"] for item in found}
    assert same_files(there / "again", there / "run")


def test_a_run_of_another_host_is_held_to_everything_but_time(made: Path, tmp_path: Path) -> None:
    """The same records, sealed as those of a machine that is ten times as fast."""
    run = RunFolder(tmp_path / "run")
    run.create()
    run.write_study(json.loads((made / "run" / "study.json").read_text()))
    planned = []
    for path in (made / "run" / "records").glob("*.json"):
        record = Record.model_validate_json(path.read_text())
        run.write_record(elsewhere(record))
        planned.append(Planned(record.cell))
    write_manifest(run, Study(name="run"), planned, Settings())
    done = command(made, made / "cache", "verify", str(run.path), "--sample", "2", "--trust-code", "--json")
    assert besides_time(done) == []
    assert verdicts(done, "latency") == {"not checked"}
    assert verdicts(done, "accuracy") == verdicts(done, "cost") == verdicts(done, "artefact") == {"pass"}
    assert verdicts(done, "ranks") <= {"pass", "can't tell"}
    assert len(verdicts(done, "ranks")) == 1


def elsewhere(record: Record) -> Record:
    latency = record.measurements["latency"]
    faster = tuple(
        sample.model_copy(update={"values": tuple(value / 10 for value in sample.values)}) for sample in latency.samples
    )
    measurements = {**record.measurements, "latency": latency.model_copy(update={"samples": faster})}
    host = {**record.host, "name": "ffffffff", "cpu": "Another CPU"}
    return record.model_copy(update={"measurements": measurements, "host": host}).sealed()


def same_files(again: Path, run: Path) -> bool:
    """Whether the artefacts that were made again have the very bytes of those that were measured."""
    pairs = [(path, run / "records" / path.name) for path in (again / "records").glob("*.json")]
    files = [[json.loads(path.read_text())["artefact"]["files"] for path in pair] for pair in pairs]
    return len(pairs) == 2 and all(first == second for first, second in files)


def test_one_cell_is_repeated_from_nothing_but_its_record(made: Path, tmp_path: Path) -> None:
    """The recipe file is not there, nor is anything in a cache: the record holds the one and makes the other."""
    there = user_folder(tmp_path / "elsewhere")
    (there / "tiny.yaml").unlink()
    record = next((made / "run" / "records").glob("*.json"))
    done = command(there, tmp_path / "cache", "reproduce", str(record), "--fresh", "--trust-code", "--json")
    assert besides_time(done) == []
    for kind in ("artefact", "accuracy", "cost"):
        assert verdicts(done, kind) == {"pass"}, done.stdout
    assert not (there / "tiny.yaml").exists()


def test_a_record_of_a_cell_that_was_never_measured_is_refused(tmp_path: Path) -> None:
    from tests.records_builder import make_refused, write_records

    write_records(tmp_path / "run", make_refused("failed", "no memory"))
    path = next((tmp_path / "run" / "records").glob("*.json"))
    done = command(tmp_path, tmp_path / "cache", "reproduce", str(path))
    assert done.returncode == 2
    assert "never measured (no memory)" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["none"], "there is no such folder"), (["."], "there are no records in it")],
)
def test_what_is_no_run_is_refused(arguments: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = command(tmp_path / "empty", tmp_path / "cache", "verify", *arguments)
    assert done.returncode == 2
    assert words in done.stderr


LIGHT = """
import sys

for name in ("torch", "torchvision", "timm", "accelerate", "onnx", "onnxscript", "safetensors", "sklearn"):
    sys.modules[name] = None  # as where they are not installed

from backbench.cli import main
main()
"""


def test_hashes_are_verified_without_torch(copy: Path) -> None:
    """In the light install; `--sample` says that measuring again needs more."""

    def light(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "BACKBENCH_CACHE": str(copy / "cache")}
        return subprocess.run(
            [sys.executable, "-c", LIGHT, "verify", "run", "--json", *arguments],
            cwd=copy, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = light("--sample", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {finding["verdict"] for finding in findings(done)} == {"pass"}
    measured = light("--sample", "1", "--trust-code")
    assert measured.returncode == 3
    assert "pip install 'backbench[torch]'" in measured.stdout
