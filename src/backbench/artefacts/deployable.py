"""A file that leaves this machine, and its companion `F.json` with what else another machine needs to measure it.

The companion holds the cell that made the file, the artefact's facts, every file's SHA-256, the comparison with eager,
and eager's logits of real inputs. The inputs themselves stay behind (154 MB at 224 pixels, and somebody's photographs):
they are made again from the dataset, and known again by each one's mean and deviation.
"""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

import backbench
from backbench.artefacts.artefact import Artefact, StoredFile
from backbench.artefacts.store import sha256
from backbench.errors import WeightsError
from backbench.records.schema import Gate, pack, unpack
from backbench.spec.cell import Cell

VERSION = 1


class Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(Plain):
    """What eager fp32 answers to `n` real inputs; `mean` and `std` are each input's own."""

    n: int
    logits: str  # base64 of zlib of float32, little-endian, n × classes
    labels: str  # as a record packs its predictions
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def arrays(self, classes: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(logits n × classes, labels n)"""
        raw = zlib.decompress(base64.b64decode(self.logits))
        logits = np.frombuffer(raw, "<f4").astype(np.float32).reshape(self.n, classes)
        return logits, unpack(self.labels).astype(np.int64)


class Deployable(Plain):
    """`F.json`. `files`: F itself first, then those beside it."""

    version: int = VERSION
    created_utc: str
    tool: str
    format: str
    cell: Cell
    artefact: Artefact
    files: tuple[StoredFile, ...]
    reference: Reference
    comparison: Gate | None = None  # F, opened again, against eager


def companion(path: Path) -> Path:
    """`net.onnx` → `net.onnx.json`"""
    return path.with_name(f"{path.name}.json")


def described(path: Path, beside: list[Path], format: str, cell: Cell, artefact: Artefact) -> Deployable:
    """What is known of files that were just written."""
    return Deployable(
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        tool=f"backbench {backbench.__version__}",
        format=format,
        cell=cell,
        artefact=artefact,
        files=tuple(stored(part) for part in (path, *beside)),
        reference=reference_of(artefact),
    )


def stored(path: Path) -> StoredFile:
    return StoredFile(name=path.name, bytes=path.stat().st_size, sha256=sha256(path), deployable=True)


def reference_of(artefact: Artefact) -> Reference:
    inputs, logits = artefact.load_inputs(), artefact.load_reference()
    mean, std = moments(inputs)
    raw = zlib.compress(np.ascontiguousarray(logits, "<f4").tobytes(), 9)
    return Reference(
        n=len(logits),
        logits=base64.b64encode(raw).decode(),
        labels=pack(np.load(artefact.folder / "labels.npy")),
        mean=tuple(round(float(value), 6) for value in mean),
        std=tuple(round(float(value), 6) for value in std),
    )


def moments(inputs: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of each input."""
    flat = inputs.reshape(len(inputs), -1).astype(np.float64)
    return flat.mean(axis=1), flat.std(axis=1)


def read(path: Path) -> Deployable | None:
    """The companion of this file; None where it has none. Raises WeightsError where it is no companion of it."""
    place = companion(path)
    if not place.is_file():
        return None
    try:
        found = Deployable.model_validate_json(place.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise WeightsError(f"{place}: not what `backbench export` writes: {str(error).splitlines()[0]}") from None
    if found.version > VERSION:
        raise WeightsError(f"{place}: version {found.version} is newer than this backbench reads ({VERSION})")
    return found


def check_files(path: Path, found: Deployable) -> list[Path]:
    """F and the files beside it. Raises WeightsError where one is missing or is not the one that was exported."""
    places = [path, *(path.parent / plain_name(file.name, path) for file in found.files[1:])]
    for place, file in zip(places, found.files, strict=True):
        if not place.is_file():
            raise WeightsError(f"{place}: the file is missing; it belongs to {path.name}")
        size = place.stat().st_size
        if size != file.bytes or sha256(place) != file.sha256:
            cut = f" ({size} of {file.bytes} bytes)" if size != file.bytes else ""
            raise WeightsError(f"{place}: this is not the file that was exported{cut}: its SHA-256 is another")
    return places


def plain_name(name: str, path: Path) -> str:
    """The name, if it is one: a companion from elsewhere must not point out of its folder."""
    if Path(name).name != name:
        raise WeightsError(f"{companion(path)}: {name!r} is no file beside it")
    return name


def metadata(artefact: Artefact) -> dict[str, Any]:
    """What the exported file says of itself."""
    return {
        "labels": list(artefact.classes),
        "preprocessing": artefact.preprocessing.model_dump(mode="json"),
        "provenance": {"artefact": artefact.id, **artefact.key, "dataset_title": artefact.inputs["dataset"]["title"]},
    }
