"""Archives are unpacked to the places that we name, or refused as a whole before anything is written."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_archives import CONTENT, HOSTILE, NAME, tar_with, zip_with

from backbench.data import archive
from backbench.data.archive import unpack
from backbench.errors import DataError


def everything_under(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_and_writes_nothing(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path / "archive")
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError, match="the archive is refused as a whole"):
        unpack(path, {NAME: tmp_path / "inside" / "file"})
    assert everything_under(tmp_path) == {"archive", "inside"}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_named_members_come_to_the_places_that_are_named(mode: str, tmp_path: Path) -> None:
    other = tarfile.TarInfo("folder/other")
    path = tar_with(tmp_path / "archive.tar", other, mode=mode)
    unpack(path, {NAME: tmp_path / "far" / "renamed"})
    assert (tmp_path / "far" / "renamed").read_bytes() == CONTENT
    assert everything_under(tmp_path) == {"archive.tar", "far", "far/renamed"}  # the other member is left where it is


def test_a_zip_comes_out_too(tmp_path: Path) -> None:
    unpack(zip_with(tmp_path / "archive.zip"), {NAME: tmp_path / "file"})
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_link_that_stands_at_the_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "file").symlink_to(tmp_path / "mine")
    unpack(tar_with(tmp_path / "archive"), {NAME: tmp_path / "file"})
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "file").is_symlink()


def test_a_missing_member_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no folder/other"):
        unpack(tar_with(tmp_path / "archive"), {"folder/other": tmp_path / "file"})


@pytest.mark.parametrize("make", [tar_with, zip_with], ids=["tar", "zip"])
@pytest.mark.parametrize("kept", [0.2, 0.6])
def test_an_archive_that_is_cut_off_is_one_sentence(make: Callable[[Path], Path], kept: float, tmp_path: Path) -> None:
    path = make(tmp_path / "archive")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(DataError, match="no archive that can be read, or cut off"):
        unpack(path, {NAME: tmp_path / "file"})
    assert not (tmp_path / "file").exists()


def test_what_is_no_archive_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>not found</html>" * 100)
    with pytest.raises(DataError, match="no archive that can be read"):
        unpack(tmp_path / "page.html", {NAME: tmp_path / "file"})


def test_a_corrupt_member_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr(NAME, CONTENT)
    path.write_bytes(path.read_bytes().replace(CONTENT, CONTENT[::-1]))
    with pytest.raises(DataError, match="Bad CRC"):
        unpack(path, {NAME: tmp_path / "file"})
    assert everything_under(tmp_path) == {"archive.zip"}


def test_a_bomb_is_refused_by_what_it_says_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(NAME, bytes(10_000))
    assert path.stat().st_size < 1000
    with pytest.raises(DataError, match="unpacks to more than 1,000 bytes"):
        unpack(path, {NAME: tmp_path / "file"})


def test_a_bomb_of_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST", 10)
    path = tmp_path / "many.tar"
    with tarfile.open(path, "w") as tar:
        for number in range(11):
            tar.addfile(tarfile.TarInfo(f"f{number}"), io.BytesIO())
    with pytest.raises(DataError, match="or 10 files"):
        unpack(path, {"f0": tmp_path / "file"})
