"""CIFAR-10 in torchvision's layout: `cifar-10-batches-py/{data_batch_1…5, test_batch}`.

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009: 50,000 + 10,000 RGB images of 32 × 32
pixels. The files are pickles: each is held against the MD5 sum that torchvision pins, and read by an unpickler that
knows arrays of bytes, text, numbers, lists and dictionaries, and nothing that could run.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backbench.data.files import read_bytes
from backbench.data.labels import checked
from backbench.data.layout import Layout
from backbench.data.source import Stored, StoredPart
from backbench.errors import DataError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class Cifar10(Layout):
    """CIFAR-10: 60,000 colour images 32 × 32, ten classes.

    Parquet in a folder `cifar10` serves the same name where torchvision's layout is not there.
    """

    name: ClassVar[str] = "cifar10"
    title: ClassVar[str] = "CIFAR-10"
    sums: ClassVar[dict[str, str]] = {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    }
    images: ClassVar[int] = 10_000  # in each file

    def folder(self, root: Path) -> Path:
        return root / "cifar-10-batches-py"

    def files(self) -> list[str]:
        return list(self.sums)

    def read(self, root: Path) -> Stored:
        batches = {name: self.batch(self.file(root, name), total) for name, total in self.sums.items()}
        train = [batch for name, batch in batches.items() if name != "test_batch"]
        return Stored(
            name=self.name,
            title=self.title,
            classes=CLASSES,
            train=StoredPart(
                np.concatenate([labels for _, labels in train]), np.concatenate([pixels for pixels, _ in train])
            ),
            test=StoredPart(batches["test_batch"][1], batches["test_batch"][0]),
            provenance={"layout": "torchvision", "orientation": "upright"},
        )

    def batch(self, file: Path, expected: str) -> tuple[Any, Any]:
        """(uint8 N × 32 × 32 × 3, int64 labels) of one file. Raises DataError."""
        data = read_bytes(file)
        found = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if found != expected:
            raise DataError(f"{file}: its MD5 sum is {found}, CIFAR-10's is {expected}: truncated or another file")
        content = unpickle(data, file)
        pixels = content.get("data") if isinstance(content, dict) else None
        if not isinstance(pixels, np.ndarray) or pixels.shape != (self.images, 3072):
            raise DataError(f"{file}: 'data' is no array of {self.images} × 3072 bytes")
        labels = content.get("labels")
        if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
            raise DataError(f"{file}: 'labels' is no list of numbers")
        upright = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(upright), checked(np.array(labels, dtype=np.int64), self.images, len(CLASSES), file)


def unpickle(data: bytes, file: Path) -> Any:
    """The plain data in a pickle. Raises DataError where it names anything that could run."""
    try:
        return PlainUnpickler(BytesIO(data), encoding="latin1").load()
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    except Exception as error:  # a pickle can be broken in any way: every one of them is the file's fault
        raise DataError(f"{file}: this pickle can't be read: {error}") from None


def bytes_dtype(name: str, *rest: Any) -> np.dtype[Any]:
    """NumPy's dtype, for the one kind that CIFAR-10 has."""
    if name not in ("u1", "uint8", "|u1"):
        raise DataError(f"the pickle holds an array of {name!r}; only bytes (uint8) are allowed")
    return np.dtype("u1", copy=True)


def empty_array(kind: type, shape: Any, code: Any) -> np.ndarray:
    """What NumPy's `_reconstruct` makes: an empty array whose state follows in the pickle."""
    return np.empty(0, np.uint8)


def latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into an old pickle."""
    if encoding != "latin1":
        raise DataError(f"the pickle asks for the codec {encoding!r}; only latin1 is allowed")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): empty_array,
    ("numpy._core.multiarray", "_reconstruct"): empty_array,
    ("numpy", "ndarray"): np.ndarray,  # only ever an argument of _reconstruct
    ("numpy", "dtype"): bytes_dtype,
    ("_codecs", "encode"): latin1,
}


class PlainUnpickler(pickle.Unpickler):
    """Knows the five names that a pickled array of bytes needs; each stands for a function of this file."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise DataError(f"the pickle names {module}.{name}; CIFAR-10's files hold arrays and lists only") from None
