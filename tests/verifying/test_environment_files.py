"""A run's environment as files: every version once, hashes where they are known, no address, nothing injected."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from backbench.errors import UsageError
from backbench.records.lock import Installed
from backbench.records.manifest import Manifest, environment_of
from backbench.spec.study import parse_study
from backbench.verifying.environment_files import UNHASHED, export

HAVE = Installed({"alpha": "1.0", "backbench": "0.1.0", "beta": "2.0", "hatchling": "1.27"}, frozenset({"backbench"}))
SUM = "sha256:" + "a" * 64
ALL = dict.fromkeys(HAVE.versions.items(), (SUM,))
STUDY = {"name": "example", "fixed": {"model": "resnet20", "dataset": "digits"}, "axes": {}}


def manifest(**fields: Any) -> Manifest:
    found, _ = environment_of(None)
    return found.model_copy(
        update={"study": STUDY, "environment": {"OMP_NUM_THREADS": "2"}, "command": ("backbench", "demo"), **fields}
    )


def written(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.suffix != ".tar"}


def test_with_every_hash_the_lock_is_complete(tmp_path: Path) -> None:
    export(manifest(), HAVE, ALL, tmp_path)
    files = written(tmp_path)
    assert sorted(files) == ["Dockerfile", "environment.yml", "requirements.lock", "study.json"]
    pins = re.findall(r"^([\w-]+)==(\S+)", files["requirements.lock"], re.MULTILINE)
    assert pins == [("alpha", "1.0"), ("beta", "2.0"), ("hatchling", "1.27")]
    assert files["requirements.lock"].count(SUM) == 3
    assert "# backbench 0.1.0: from its source" in files["requirements.lock"]


def test_packages_without_a_hash_stand_apart(tmp_path: Path) -> None:
    """pip checks the hashes of all lines of a file or of none."""
    export(manifest(), HAVE, {("alpha", "1.0"): (SUM,)}, tmp_path)
    files = written(tmp_path)
    assert "beta" not in files["requirements.lock"]
    assert files[UNHASHED].split() == ["beta==2.0", "hatchling==1.27"]
    assert files["Dockerfile"].count("RUN python -m pip install") == 3


def test_conda_reads_its_file(tmp_path: Path) -> None:
    export(manifest(), HAVE, ALL, tmp_path)
    found = yaml.safe_load((tmp_path / "environment.yml").read_text())
    assert found["name"] == "backbench-example"
    assert found["dependencies"][0] == f"python={sys.version.split()[0]}"
    assert found["dependencies"][-1] == {"pip": ["--requirement requirements.lock"]}
    export(manifest(), HAVE, {}, tmp_path)
    pins = yaml.safe_load((tmp_path / "environment.yml").read_text())["dependencies"][-1]["pip"]
    assert [str(Requirement(pin)) for pin in pins] == ["alpha==1.0", "beta==2.0", "hatchling==1.27"]


def test_the_dockerfile_repeats_the_run(tmp_path: Path) -> None:
    export(manifest(), HAVE, ALL, tmp_path)
    lines = (tmp_path / "Dockerfile").read_text().splitlines()
    assert next(line for line in lines if line.startswith("FROM")).endswith(f"python:{sys.version.split()[0]}-slim")
    assert 'ENV OMP_NUM_THREADS="2"' in lines
    assert lines[-1] == 'CMD ["backbench", "run", "study.json", "--out", "again"]'
    assert lines[0].startswith("# backbench demo")
    assert {line.split()[0] for line in lines if line} <= {"#", "FROM", "WORKDIR", "COPY", "ADD", "RUN", "ENV", "CMD"}
    assert parse_study((tmp_path / "study.json").read_text()).name == "example"


def test_no_file_names_an_address(tmp_path: Path) -> None:
    export(manifest(), HAVE, ALL, tmp_path)
    assert [name for name, text in written(tmp_path).items() if "://" in text] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"host": {"python": "3.11\nRUN rm -rf x"}},
        {"study": {"name": "x\n  - evil"}},
        {"environment": {"OMP_X\nRUN": "1"}},
    ],
    ids=["python", "study", "variable"],
)
def test_a_hostile_manifest_adds_no_line(fields: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="where a name or a version must stand"):
        export(manifest(**fields), HAVE, ALL, tmp_path)


def test_a_hostile_command_or_commit_adds_nothing(tmp_path: Path) -> None:
    odd = manifest(
        command=("backbench", "demo\nRUN rm -rf x"),
        tool={"name": "backbench", "version": "0\nRUN x", "commit": "--remote=ext::sh", "dirty": True},
        environment={"OMP_PLACES": "a\nRUN x"},
    )
    export(odd, HAVE, ALL, tmp_path)
    assert "\nRUN rm" not in (tmp_path / "Dockerfile").read_text()
    assert "\nRUN x" not in (tmp_path / "Dockerfile").read_text()
    assert list(tmp_path.glob("*.tar")) == []


def test_the_source_of_the_commit_lies_beside_it(tmp_path: Path) -> None:
    found, have = environment_of(None)
    if not found.tool["commit"]:
        pytest.skip("not a git checkout: there is no commit to write")
    paths = export(found, have, {}, tmp_path)
    archive = next(path for path in paths if path.suffix == ".tar")
    with tarfile.open(archive) as tar:
        assert "src/backbench/__init__.py" in tar.getnames()
    assert f"ADD {archive.name} source/" in (tmp_path / "Dockerfile").read_text()


def test_the_command_shows_and_writes_this_environment(tmp_path: Path) -> None:
    def printed(*arguments: str) -> str:
        command = [sys.executable, "-m", "backbench", "environment", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout

    assert "  numpy==" in printed()
    assert json.loads(printed("--json"))["packages"]["numpy"]
    assert "Dockerfile" in printed("--export", "env")
    assert (tmp_path / "env" / "environment.yml").is_file()
