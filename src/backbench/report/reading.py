"""One record file, checked: its schema's version, its form, and that it says what it said when it was written."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import from_json

from backbench.errors import BackbenchError
from backbench.records.schema import SCHEMA_VERSION, Record
from backbench.spec.cell import canonical

MAX_BYTES = 256 * 1024**2  # a record holds raw samples of one cell: kilobytes, at most a few megabytes
MAX_IMAGES = 10**7  # of a test part; a few packed bytes can claim any number
LARGEST = 1e18  # no second, byte or joule of a measurement is larger; sums of such numbers stay finite


@dataclass(frozen=True)
class Found:
    """A record and where it lay: `folder` is its study's, and tells runs apart."""

    record: Record
    path: Path
    folder: Path

    @cached_property
    def correct(self) -> NDArray[np.bool_] | None:
        """Whether each test image is right. Raises BackbenchError where the record's predictions are no predictions."""
        found = self.record.predictions
        if found is None:
            return None
        try:
            return np.equal(unpacked(found.predicted, found.n), unpacked(found.labels, found.n))
        except (ValueError, zlib.error):
            raise BackbenchError(
                f"{self.path}: this record is malformed: its predictions are not those of {found.n} images"
            ) from None


@lru_cache(maxsize=64)  # the records of one dataset share their labels
def unpacked(text: str, n: int) -> NDArray[np.uint16]:
    """The `n` numbers packed in `text`. Raises ValueError or zlib.error where it holds others, or more."""
    if not 1 <= n <= MAX_IMAGES:
        raise ValueError(f"{n} images")
    data = zlib.decompressobj().decompress(b64decode(text), 2 * n + 2)
    if len(data) != 2 * n:
        raise ValueError(f"not {n} numbers")
    return np.frombuffer(data, dtype="<u2")


def read_record(path: Path) -> Record:
    """One record file. Raises BackbenchError with one sentence that names it."""
    data = read_json(path)
    if not isinstance(data, dict) or "schema_version" not in data or "cell_id" not in data:
        raise BackbenchError(f"{path}: this is JSON, but no backbench record (it has no schema_version and cell_id)")
    check_version(path, data["schema_version"])
    try:
        record = Record.model_validate(data)
    except ValidationError as error:
        refuse_form(path, error)
    except BackbenchError as error:
        raise BackbenchError(f"{path}: this record is malformed: {error}") from None
    refuse_numbers(path, record)
    if record.record_id not in content_hashes(path, data, record):
        raise BackbenchError(
            f"{path}: this record was changed after it was written (its content is not what its record_id says)"
        )
    return record


def read_json(path: Path) -> Any:
    """The file's JSON; NaN and infinity are no JSON. pydantic's parser, because it is six times as fast on floats."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BackbenchError(f"{path}: {path.stat().st_size:,} bytes; a record has at most {MAX_BYTES:,}")
        return from_json(path.read_bytes(), allow_inf_nan=False)
    except ValueError as error:
        raise BackbenchError(f"{path}: not JSON, or cut off: {shortened(error)}") from None
    except OSError as error:
        raise BackbenchError(f"{path}: can't be read: {error.strerror}") from None


def check_version(path: Path, version: object) -> None:
    """Raises BackbenchError where this version of backbench can't read the record's schema."""
    if version == SCHEMA_VERSION and not isinstance(version, bool):
        return
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BackbenchError(
            f"{path}: written by a newer backbench (record schema {version}; this one reads {SCHEMA_VERSION}): "
            "upgrade backbench"
        )
    raise BackbenchError(
        f"{path}: record schema {str(version)[:40]!r} is not one that this backbench reads ({SCHEMA_VERSION}): "
        "read it with the backbench that wrote it"
    )


def refuse_form(path: Path, error: ValidationError) -> NoReturn:
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])[:200] or "record"
    more = f" (and {error.error_count() - 1} more faults)" if error.error_count() > 1 else ""
    raise BackbenchError(f"{path}: this record is malformed: {place}: {first['msg']}{more}")


def refuse_numbers(path: Path, record: Record) -> None:
    """Raises BackbenchError for a measured value that can be no time, size or energy."""
    for name, measurement in record.measurements.items():
        for sample in measurement.samples:
            if sample.values and max(max(sample.values), -min(sample.values)) > LARGEST:
                place = f"measurements.{name[:60]}"
                raise BackbenchError(f"{path}: this record is malformed: {place}: a value over {LARGEST:g}")


def content_hashes(path: Path, data: Mapping[str, Any], record: Record) -> Iterator[str]:
    """What `record_id` may be: the hash of the file's own data (quick), or of the record with its defaults filled in."""
    try:
        said = canonical({key: value for key, value in data.items() if key != "record_id"})
        yield hashlib.sha256(said.encode()).hexdigest()
        yield record.content_hash()
    except (ValueError, RecursionError) as error:  # a number that overflowed to infinity, or nesting without end
        raise BackbenchError(f"{path}: this record is malformed: {shortened(error)}") from None


def shortened(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
