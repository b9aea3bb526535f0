"""What torchvision's layouts have in common: named files in a folder under the data root, all of them or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from backbench.data.download import fetch, offered
from backbench.data.files import identity_of
from backbench.data.source import StoredSource
from backbench.errors import DataError


class Layout(StoredSource):
    """A dataset in torchvision's layout. A file may stand there as it is or, where that is usual, as `.gz`."""

    name: ClassVar[str]
    title: ClassVar[str]
    zipped: ClassVar[bool] = False  # whether torchvision also leaves, and we read, NAME.gz

    def folder(self, root: Path) -> Path:
        raise TypeError(f"{type(self).__name__} does not say where its files are")

    def files(self) -> list[str]:
        """The names of the files that must be there."""
        raise TypeError(f"{type(self).__name__} does not say which its files are")

    def find(self, root: Path, name: str) -> Path | None:
        place = self.folder(root) / name
        places = [place, place.with_name(f"{name}.gz")] if self.zipped else [place]
        return next((found for found in places if found.is_file()), None)

    def found(self, root: Path) -> list[Path]:
        return [file for name in self.files() if (file := self.find(root, name)) is not None]

    def file(self, root: Path, name: str) -> Path:
        found = self.find(root, name)
        if found is None:
            raise DataError(f"{self.folder(root)}: {self.title}'s file {name} is missing")
        return found

    def stands_in(self, root: Path) -> bool:
        return bool(self.found(root))

    def identity(self, root: Path) -> dict[str, Any] | None:
        return {"options": self.model_dump(), "files": identity_of(self.folder(root), self.found(root))}

    def check(self, root: Path, *, download: bool = False) -> None:
        missing = [name for name in self.files() if self.find(root, name) is None]
        if not missing:
            return
        if download:
            offered(self.title)
            return
        some = len(missing) < len(self.files())
        state = f"{len(missing)} of {len(self.files())} files are missing" if some else f"{self.title} is not there"
        raise DataError(
            f"{self.folder(root)}: {state}; expected {', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}"
            f" (torchvision's layout{', .gz too' if self.zipped else ''}); --download fetches {self.title}"
        )

    def fetch(self, root: Path) -> None:
        if len(self.found(root)) < len(self.files()):
            fetch(self.name, self.title, root, self.model_dump())
