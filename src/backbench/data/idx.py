"""The idx format of MNIST and its successors (Y. LeCun): 0, 0, 8 (uint8), number of axes, each axis as a big-endian
32-bit integer, then the values; plain or gzipped.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backbench.errors import DataError


def read_idx(file: Path, axes: int) -> NDArray[np.uint8]:
    """The array in the file. Raises DataError where it is truncated, too long or something else."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            shape = shape_of(file, stream.read(4 + 4 * axes), axes)
            count = int(np.prod(shape, dtype=object))
            data = stream.read(count + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: the file is truncated or corrupt: {error}") from None
    if len(data) != count:
        more = "more" if len(data) > count else f"only {len(data)}"
        raise DataError(f"{file}: {count} values are stated ({'×'.join(map(str, shape))}), {more} are there")
    return np.frombuffer(data, np.uint8).reshape(shape)


def shape_of(file: Path, head: bytes, axes: int) -> tuple[int, ...]:
    """From the first bytes of the file. Raises DataError."""
    expected = 0x0800 + axes
    magic = int.from_bytes(head[:4], "big")
    if len(head) < 4 + 4 * axes or magic != expected:
        raise DataError(
            f"{file}: this is no idx file of {axes} axes (starts with {head[:4].hex()}, not {expected:08x})"
        )
    return struct.unpack(f">{axes}I", head[4:])
