"""Where an ONNX file says that its weights lie, read without the `onnx` package.

GraphProto.initializer (5) are the weights; TensorProto.external_data (13) are pairs of key (1) and value (2), of which
`location` names a file in the graph's own folder. A graph of somebody else's may name any file of this machine.
"""

from __future__ import annotations

import mmap
from pathlib import Path, PurePosixPath, PureWindowsPath

from backbench.artefacts.operators import GRAPH, messages
from backbench.errors import WeightsError

INITIALIZER, EXTERNAL_DATA, KEY, VALUE = 5, 13, 1, 2


def external_files(path: Path) -> list[Path]:
    """The files beside `path` that hold its weights. Raises WeightsError for one that is elsewhere or missing.

    Raises ValueError where `path` is no whole ONNX file.
    """
    found = []
    for name in sorted(locations(path)):
        place = path.parent / name
        climbs = any(form.is_absolute() or ".." in form.parts for form in (PurePosixPath(name), PureWindowsPath(name)))
        if climbs or not place.resolve().is_relative_to(path.parent.resolve()):
            raise WeightsError(f"{path}: its weights are to be read from {name!r}, outside the folder of the file")
        if not place.is_file():
            raise WeightsError(f"{path}: its weights lie in {name!r}, and {place} is not there")
        found.append(place)
    return found


def locations(path: Path) -> set[str]:
    """The distinct values of `location`."""
    if path.stat().st_size == 0:
        raise ValueError("the file is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return {
            text(data, *next(messages(data, *entry, VALUE)))
            for graph in messages(data, 0, len(data), GRAPH)
            for tensor in messages(data, *graph, INITIALIZER)
            for entry in messages(data, *tensor, EXTERNAL_DATA)
            if text(data, *next(messages(data, *entry, KEY))) == "location"
        }


def text(data: mmap.mmap, start: int, end: int) -> str:
    return data[start:end].decode()
