"""What of a growth is done: one JSON file, written after each step, so that a kill at any moment loses one step at most.

A step that was under way continues from its training's own checkpoint. A folder belongs to one growth: other data,
another recipe or seed is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backbench.errors import DataError, UsageError
from backbench.records.store import write_json
from backbench.spec.cell import digest

FILE = "growth.json"


class Journal:
    """The finished steps of the growth in `folder`, by name."""

    def __init__(self, folder: Path, key: dict[str, Any]) -> None:
        self.folder, self._path = folder, folder / FILE
        self._content: dict[str, Any] = {"key": key, "digest": digest(key), "steps": {}}
        if self._path.exists():
            self._content = self._read(digest(key))

    def _read(self, wanted: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            found = content["digest"], content["steps"]
        except (ValueError, KeyError) as error:
            raise DataError(
                f"{self._path}: no journal of a growth ({error}); delete {self.folder} to grow anew"
            ) from None
        if found[0] != wanted:
            raise UsageError(
                f"{self.folder} holds a growth from other data, another recipe or seed; name another --out, or delete it"
            )
        return content

    @property
    def steps(self) -> dict[str, Any]:
        return dict(self._content["steps"])

    def once(self, name: str, do: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
        """What the step `name` gave; does it in a folder of its own where it is not done."""
        if name not in self._content["steps"]:
            self._content["steps"][name] = do(self.folder / name)
            write_json(self._path, self._content)
        return dict(self._content["steps"][name])


def forget(folder: Path) -> None:
    """Removes what a finished training would have been continued from."""
    for name in ("last.safetensors", "best.safetensors"):
        (folder / name).unlink(missing_ok=True)
