"""A run's environment as files that other tools read: a lock for pip, an `environment.yml` for conda, a Dockerfile.

They name exact versions and no address: where packages come from is the user's own setting. Hashes stand where a lock
knows them (see `backbench.records.lock`). What a run does not record, system libraries and drivers, is not in them.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import backbench
from backbench.errors import UsageError
from backbench.records.lock import LOCK, Hashes, Installed, Pin, hashed_lines, local_lines, split_by_hash
from backbench.records.manifest import Manifest
from backbench.records.store import write_atomically

UNHASHED = "requirements-without-hashes.txt"
PLATFORMS = {"x86_64": "linux/amd64", "AMD64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}


def export(manifest: Manifest, have: Installed, hashes: Hashes, folder: Path) -> list[Path]:
    """Writes the files and returns their paths. Raises UsageError where the folder can't be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--export {folder}: nothing can be written there: {error.strerror}") from None
    hashed, plain = split_by_hash(have, hashes)
    source = archive(manifest, folder)
    texts = {
        LOCK: lock(have, hashed, plain, hashes),
        "environment.yml": conda(manifest, hashed, plain),
        "Dockerfile": dockerfile(manifest, have, plain, source),
    }
    if plain:
        texts[UNHASHED] = "\n".join(f"{name}=={version}" for name, version in plain) + "\n"
    if manifest.study is not None:
        texts["study.json"] = json.dumps(manifest.study, indent=1) + "\n"
    for name, text in texts.items():
        write_atomically(folder / name, text)
    return [*(folder / name for name in sorted(texts)), *([source] if source else [])]


def lock(have: Installed, hashed: Sequence[Pin], plain: Sequence[Pin], hashes: Hashes) -> str:
    """For `pip install --no-deps --require-hashes -r`; what has no hash stands in a file of its own."""
    head = ["# Written by `backbench environment`: the packages of one run, for this platform and Python alone."]
    if plain:
        head.append(f"# {len(plain)} packages whose hashes are not known stand in {UNHASHED}.")
    return "\n".join([*head, *local_lines(have), *hashed_lines(hashed, hashes)]) + "\n"


def conda(manifest: Manifest, hashed: Sequence[Pin], plain: Sequence[Pin]) -> str:
    """pip checks hashes for all of a file or for none: with one unknown hash the versions stand alone."""
    pins = [f"{name}=={version}" for name, version in sorted([*hashed, *plain])] if plain else [f"--requirement {LOCK}"]
    lines = [
        f"name: backbench-{word((manifest.study or {}).get('name', manifest.kind))}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python={word(manifest.host.get('python'))}",
        "  - pip",
        "  - pip:",
        *(f"      - {pin}" for pin in pins),
    ]
    return "\n".join([*lines, *(f"# {line}" for line in own_code(manifest, None))]) + "\n"


def dockerfile(manifest: Manifest, have: Installed, plain: Sequence[Pin], source: Path | None) -> str:
    """The image repeats the run; data is no part of it."""
    install = "RUN python -m pip install --no-cache-dir --no-deps"
    platform = PLATFORMS.get(str(manifest.host.get("machine")))
    lines = [
        one_line(f"# {shlex.join(manifest.command)}  ({manifest.created_utc}, {manifest.host.get('kernel')})"),
        "# System libraries and drivers are the base image's. Data: docker run -v FOLDER:/data -e BACKBENCH_DATA=/data",
        f"FROM {f'--platform={platform} ' if platform else ''}python:{word(manifest.host.get('python'))}-slim",
        "WORKDIR /run",
        f"COPY {LOCK} ./",
        f"{install} --require-hashes -r {LOCK}",
    ]
    if plain:
        lines += [f"COPY {UNHASHED} ./", f"{install} -r {UNHASHED}"]
    if "backbench" in have.local:
        isolated = " --no-build-isolation" if "hatchling" in have.versions else ""
        lines += [f"# {line}" for line in own_code(manifest, source)]
        lines += [f"ADD {source.name if source else 'backbench-source/'} source/", f"{install}{isolated} ./source"]
    lines += [f"ENV {word(name)}={json.dumps(value)}" for name, value in manifest.environment.items()]
    if manifest.study is not None:
        lines += ["COPY study.json ./", 'CMD ["backbench", "run", "study.json", "--out", "again"]']
    return "\n".join(lines) + "\n"


def own_code(manifest: Manifest, source: Path | None) -> list[str]:
    """Which code of backbench it was, for a person."""
    commit = manifest.tool.get("commit")
    where = f"commit {commit}" if commit else "a folder outside any checkout"
    version = manifest.tool.get("version")
    said = [one_line(f"backbench {version} from {where}; SHA-256 of its source {manifest.source_sha256[:16]}…")]
    if manifest.tool.get("dirty"):
        said.append("Source files were changed since that commit: the commit alone is not exactly that run.")
    if source is None:
        said.append("Its source was not at hand when this was written: put it into backbench-source/.")
    return said


def word(value: object) -> str:
    """A name or a version; a manifest is somebody's file, and nothing in it may become a line of its own."""
    if not re.fullmatch(r"[\w.+-]{1,100}", str(value), re.ASCII):
        raise UsageError(f"the manifest holds {str(value)[:60]!r} where a name or a version must stand")
    return str(value)


def one_line(text: str) -> str:
    return " ".join(text.split())


def archive(manifest: Manifest, folder: Path) -> Path | None:
    """The commit's files as a tar, where this is a checkout that has it."""
    commit, checkout = str(manifest.tool.get("commit")), Path(backbench.__file__).resolve().parents[2]
    if not re.fullmatch(r"[0-9a-f]{40}", commit) or not (checkout / ".git").exists():
        return None
    target = folder / f"backbench-{commit[:12]}.tar"
    done = subprocess.run(
        ["git", "-C", str(checkout), "archive", "--format=tar", f"--output={target.resolve()}", commit],
        capture_output=True,
        check=False,
    )
    return target if done.returncode == 0 else None
