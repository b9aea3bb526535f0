from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.store import find, once, verify
from backbench.errors import BackbenchError

WRITER = """
import sys, time
from pathlib import Path
from backbench.artefacts.store import once

def fill(folder):
    with open(sys.argv[2], "a") as log:
        log.write("filled\\n")
    (folder / "first").write_text("1")
    time.sleep(0.3)
    (folder / "second").write_text("2")

folder = once(Path(sys.argv[1]), fill)
print(sorted(path.name for path in folder.iterdir()))
"""


def test_two_processes_fill_a_folder_once(tmp_path: Path) -> None:
    target, log = tmp_path / "store" / "abc", tmp_path / "log"
    command = [sys.executable, "-c", WRITER, str(target), str(log)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate()[0].strip() for process in running]
    assert printed == ["['first', 'second']"] * 2
    assert log.read_text() == "filled\n"


def test_a_killed_process_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    target = tmp_path / "store" / "abc"
    killing = WRITER.replace("time.sleep(0.3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    done = subprocess.run([sys.executable, "-c", killing, str(target), str(tmp_path / "log")], check=False)
    assert done.returncode == -9
    assert not target.exists()
    once(target, lambda folder: (folder / "file").touch())
    assert [path.name for path in target.iterdir()] == ["file"]
    assert [path.name for path in target.parent.iterdir() if path.is_dir()] == ["abc"]


def test_what_fails_leaves_no_folder(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").touch()
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        once(tmp_path / "abc", fill)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "no space is left"), (errno.EROFS, "read-only"), (errno.EACCES, "written to")]
)
def test_a_disk_that_refuses_is_one_sentence(tmp_path: Path, number: int, reason: str) -> None:
    def fill(folder: Path) -> None:
        raise OSError(number, os.strerror(number), str(folder / "weights"))

    with pytest.raises(BackbenchError, match=reason) as caught:
        once(tmp_path / "abc", fill)
    assert "\n" not in str(caught.value)


def test_a_changed_file_is_found(artefact: Callable[..., Artefact], tmp_path: Path) -> None:
    made = artefact("eager")
    assert verify(made) == []
    copy = tmp_path / made.id
    copy.mkdir()
    for path in made.folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    changed = Artefact.open(copy)
    with (copy / "labels.npy").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    (copy / "inputs.npy").unlink()
    assert verify(changed) == [
        f"{copy / 'inputs.npy'}: the file is missing",
        f"{copy / 'labels.npy'}: the file was changed after it was made",
    ]


def test_an_unfinished_folder_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "artefacts" / "abc").mkdir(parents=True)
    assert find(tmp_path, "abc") is None
