"""Folders that are made once and are whole or not there.

A folder is filled under a temporary name beside its place and renamed when it is finished, so a process that is killed leaves nothing that
looks finished. A lock on a file beside it (fcntl, freed by the system when its holder dies) makes a second process wait and then find the
first one's result.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backbench.artefacts.artefact import Artefact, StoredFile
from backbench.errors import BackbenchError

Fill = Callable[[Path], None]
REASONS = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "it can't be written to",
}
DATA = (
    ".onnx",
    ".onnx.data",
    ".safetensors",
    ".pt",
    ".pt2",
    ".pte",
    ".xml",
    ".bin",
)  # endings of the files that are shipped


def artefact_folder(cache: Path, artefact_id: str) -> Path:
    return cache / "artefacts" / artefact_id


def find(cache: Path, artefact_id: str) -> Artefact | None:
    """The finished artefact of this id, or None."""
    folder = artefact_folder(cache, artefact_id)
    return Artefact.open(folder) if (folder / "artefact.json").is_file() else None


def once(folder: Path, fill: Fill) -> Path:
    """`folder`, filled by `fill(temporary folder)` unless it exists. Two processes fill it once."""
    if folder.is_dir():
        return folder
    with writing(folder), locked(folder):
        if not folder.is_dir():
            make(folder, fill)
    return folder


def make(folder: Path, fill: Fill) -> None:
    """Fills a temporary sibling and renames it; nothing is left where `fill` raises.

    The caller holds the lock, so what lies under a temporary name is of a process that was killed, and is removed.
    """
    for left in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fill(temporary)
        temporary.chmod(0o755)  # mkdtemp's 0o700 would hide a shared cache from other users
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """This process alone makes `folder`; others wait here."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turns the system's refusal to write into one sentence; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in REASONS:
            raise
        raise BackbenchError(
            f"{error.filename or place}: {REASONS[error.errno]}; choose another cache folder"
        ) from None


def link(source: Path, target: Path) -> None:
    """The same content under another name without its bytes twice; a copy where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def sha256(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(folder: Path) -> tuple[StoredFile, ...]:
    """Every file of the folder with its size and hash."""
    return tuple(
        StoredFile(name=path.name, bytes=path.stat().st_size, sha256=sha256(path), deployable=path.name.endswith(DATA))
        for path in sorted(folder.iterdir())
    )


def verify(artefact: Artefact) -> list[str]:
    """One sentence for each file that is missing or not what it was when the artefact was made."""
    found = []
    for file in artefact.files:
        path = artefact.folder / file.name
        if not path.is_file():
            found.append(f"{path}: the file is missing")
        elif sha256(path) != file.sha256:
            found.append(f"{path}: the file was changed after it was made")
    return found
