"""The install: everything by hash, the lock fits the project, and a changed lock makes a new environment."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = {"requirements.lock": ("torch", "energy", "build", "dev"), "requirements-light.lock": ("build",)}


def pinned(lock: str) -> dict[str, list[str]]:
    """Each package's blocks in the lock: one a version, its name and hashes; on which systems, each lock says itself."""
    blocks: dict[str, list[str]] = {}
    text = re.sub(r" ; [^\n]*\\\n", " \\\\\n", (ROOT / lock).read_text())
    for block in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]:
        blocks.setdefault(block.partition("==")[0], []).append(block)
    return blocks


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_in_a_lock_has_its_hashes_and_no_address(lock: str) -> None:
    found = pinned(lock)
    assert len(found) > 20
    assert [name for name, blocks in found.items() for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in (ROOT / lock).read_text()


@pytest.mark.parametrize(("lock", "extras"), LOCKS.items())
def test_a_lock_fits_what_the_project_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    asked = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    found = pinned(lock)
    for requirement in map(Requirement, asked):
        if requirement.name == "backbench":  # an extra that another extra includes
            continue
        blocks = found[requirement.name.lower()]
        versions = [re.split(r"==|[ ;\\]", block)[1] for block in blocks]
        assert all(version in requirement.specifier for version in versions), (requirement, versions)


def test_both_locks_agree() -> None:
    full, light = pinned("requirements.lock"), pinned("requirements-light.lock")
    assert [name for name in light if light[name] != full.get(name)] == []


@pytest.mark.parametrize("uv", ["", "/some/uv"])
def test_the_environment_is_made_once_and_again_when_the_lock_changes(uv: str, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, tmp_path / name)
    first = dry_make(tmp_path, uv)
    assert "--require-hashes -r requirements.lock" in first
    stamp = re.search(r"touch (\.venv/\S+)", first)
    assert stamp is not None
    (tmp_path / ".venv").mkdir()
    (tmp_path / stamp[1]).touch()
    assert "install" not in dry_make(tmp_path, uv).replace(stamp[1], "")
    with (tmp_path / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert "--require-hashes -r requirements.lock" in dry_make(tmp_path, uv)


def test_an_old_python_is_refused_with_one_sentence(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, tmp_path / name)
    done = subprocess.run(["make", "demo", "PYTHON=false"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "backbench needs Python 3.11 to 3.14" in done.stdout
    assert not (tmp_path / ".venv").exists()


def dry_make(folder: Path, uv: str) -> str:
    """What `make test` would run."""
    command = ["make", "--dry-run", "test", f"UV={uv}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
