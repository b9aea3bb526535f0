"""Archives that try to write where they should not, one a way to do it."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

NAME = "folder/file"
CONTENT = b"what is wanted"


def tar_with(path: Path, *extra: tarfile.TarInfo, mode: str = "w:gz") -> Path:
    """The wanted file, then the extra members."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for item in (tarfile.TarInfo(NAME), *extra):
            data = CONTENT if item.isreg() else b""
            item.size = len(data)
            tar.addfile(item, io.BytesIO(data))
    return path


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Callable[[Path], Path]:
    item = tarfile.TarInfo(name)
    item.type, item.linkname = kind, link
    return lambda path: tar_with(path, item)


def zip_with(path: Path, *extra: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for item, data in ((zipfile.ZipInfo(NAME), CONTENT), *extra):
            file.writestr(item, data)
    return path


def zip_member(name: str, mode: int = stat.S_IFREG | 0o644, data: bytes = CONTENT) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        item = zipfile.ZipInfo()
        item.filename = item.orig_filename = name  # the constructor would tidy it
        item.external_attr = mode << 16
        return zip_with(path, (item, data))

    return make


HOSTILE: dict[str, Callable[[Path], Path]] = {
    "tar: leaves upwards": tar_member("../outside"),
    "tar: leaves upwards inside its name": tar_member("folder/../../outside"),
    "tar: absolute": tar_member("/outside"),
    "tar: a drive": tar_member("C:\\outside"),
    "tar: upwards with backslashes": tar_member("..\\outside"),
    "tar: a symbolic link": tar_member("folder/link", tarfile.SYMTYPE, "../../outside"),
    "tar: a hard link": tar_member("folder/link", tarfile.LNKTYPE, "/outside"),
    "tar: a device": tar_member("folder/device", tarfile.CHRTYPE),
    "tar: a pipe": tar_member("folder/pipe", tarfile.FIFOTYPE),
    "tar: one name twice": tar_member(NAME),
    "tar: one name twice, written otherwise": tar_member("folder/./file"),
    "zip: leaves upwards": zip_member("../outside"),
    "zip: absolute": zip_member("/outside"),
    "zip: a drive": zip_member("C:\\outside"),
    "zip: upwards with backslashes": zip_member("..\\outside"),
    "zip: a symbolic link": zip_member("folder/link", stat.S_IFLNK | 0o777, b"../../outside"),
    "zip: a name with a line break": zip_member("folder/a\nb"),
}
