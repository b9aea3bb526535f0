"""The files of a run of profiles: profile.md, profile.html, and the pictures as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backbench.errors import BackbenchError
from backbench.profiling.document import Profile
from backbench.profiling.pages.markdown import markdown_text
from backbench.profiling.pages.page import page_text
from backbench.profiling.pages.plots import pictures
from backbench.profiling.parts import file_name
from backbench.records.store import write_atomically


def write_profiles(folder: Path, profiles: Sequence[Profile], depth: int) -> list[Path]:
    """Writes them into `folder`; the files written. Raises BackbenchError where nothing can be written."""
    drawn = {profile.cell_id: pictures(profile) for profile in profiles if profile.status == "ok"}
    by_id = {profile.cell_id: profile for profile in profiles}
    files = {
        (cell_id, name): Path("plots") / f"{file_name(by_id[cell_id].cell)}-{name}.png"
        for cell_id, several in drawn.items()
        for name in several
    }
    for (cell_id, name), path in files.items():
        write_bytes(folder / path, drawn[cell_id][name][0])
    beside = {
        cell_id: [(name, files[cell_id, name].as_posix()) for name in several] for cell_id, several in drawn.items()
    }
    vectors = {cell_id: {name: vector for name, (_, vector) in several.items()} for cell_id, several in drawn.items()}
    texts = {
        "profile.md": markdown_text(profiles, depth, beside),
        "profile.html": page_text(profiles, depth, vectors),
    }
    for name, text in texts.items():
        write_atomically(folder / name, text)
    return [*(folder / name for name in texts), *(folder / path for path in files.values())]


def write_bytes(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise BackbenchError(f"{path}: can't be written: {error.strerror}") from None
