"""Files out of a tar or zip, each to the place that we name: an archive's own names never become paths of this machine.

An archive in which any member would leave its folder, is a link or a device, or names a file twice, is refused as a whole,
before anything is written: it is not the archive that it should be, whatever else it holds.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from backbench.errors import DataError

LARGEST = 4 * 2**30  # bytes that one archive may unpack to; EMNIST, the largest that is downloaded, holds 0.6 GB
MOST = 100_000  # members
# RuntimeError: a zip that is encrypted, or compressed in a way that is not known here.
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)


@dataclass(frozen=True)
class Member:
    """One entry: its name as written, its size, whether it is a folder or a plain file, and how it is read."""

    name: str
    size: int  # bytes
    folder: bool
    plain: bool
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, targets: Mapping[str, Path]) -> None:
    """Writes each member named in `targets` to its path, whole or not at all.

    Raises DataError where the archive is broken or hostile, or a member is missing.
    """
    with members(archive) as found:
        by_name = checked(archive, found)
        missing = sorted(targets.keys() - by_name.keys())
        if missing:
            raise DataError(f"{archive}: the archive holds no {missing[0]}")
        for name, member in by_name.items():  # in the archive's order: a compressed tar is read once
            if name in targets:
                write(archive, member, targets[name])


@contextmanager
def members(archive: Path) -> Iterator[list[Member]]:
    """All entries. Raises DataError where this is neither a tar nor a zip."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                yield bounded(archive, (of_zip(file, item) for item in file.infolist()))
        else:
            with tarfile.open(archive) as tar:
                yield bounded(archive, (of_tar(tar, item) for item in tar))
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno:  # the disk's fault and not the archive's
            raise
        raise DataError(f"{archive}: no archive that can be read, or cut off: {error}") from None


def bounded(archive: Path, found: Iterable[Member]) -> list[Member]:
    """All of them, unless they are too many or too large: known from the headers, before their content is unpacked."""
    kept: list[Member] = []
    total = 0
    for member in found:
        total += member.size
        if total > LARGEST or len(kept) >= MOST:
            raise DataError(f"{archive}: it unpacks to more than {LARGEST:,} bytes or {MOST:,} files, and is refused")
        kept.append(member)
    return kept


def of_tar(tar: tarfile.TarFile, item: tarfile.TarInfo) -> Member:
    return Member(item.name, item.size, item.isdir(), item.isreg(), lambda: tar.extractfile(item))


def of_zip(file: zipfile.ZipFile, item: zipfile.ZipInfo) -> Member:
    """A zip keeps Unix's kind of file in the upper half of its attributes; none is a plain file."""
    kind = stat.S_IFMT(item.external_attr >> 16)
    plain = not item.is_dir() and kind in (0, stat.S_IFREG)
    # The original name: ZipInfo cuts it at a zero byte.
    return Member(item.orig_filename, item.file_size, item.is_dir(), plain, lambda: file.open(item))


def checked(archive: Path, found: list[Member]) -> dict[str, Member]:
    """The plain members by name. Raises DataError at the first that should not be there."""
    for member in found:
        fault = fault_of(member)
        if fault:
            raise DataError(f"{archive}: member {member.name[:200]!r} {fault}; the archive is refused as a whole")
    plain = [member for member in found if member.plain]
    by_name = {normal(member.name): member for member in plain}
    if len(by_name) < len(plain):
        raise DataError(f"{archive}: two members have one name; the archive is refused as a whole")
    return by_name


def fault_of(member: Member) -> str | None:
    """Why this member is none of a data archive."""
    name = member.name
    if not name or "\0" in name or any(not sign.isprintable() for sign in name):
        return "has a name that is none"
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or PureWindowsPath(name).root:
        return "has an absolute name"
    if ".." in PurePosixPath(name).parts or ".." in PureWindowsPath(name).parts:
        return "leaves its folder"
    return None if member.folder or member.plain else "is a link or a device"


def normal(name: str) -> str:
    return str(PurePosixPath(name))


def write(archive: Path, member: Member, target: Path) -> None:
    """Beside its place, then moved. A member that is longer than it says is refused."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    source = member.open()
    assert source is not None  # None is a folder's or a link's
    try:
        with source, partial.open("wb") as file:
            shutil.copyfileobj(source, file, 2**20)
        if partial.stat().st_size != member.size:
            raise DataError(f"{archive}: member {member.name[:200]!r} is not as long as it says")
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
