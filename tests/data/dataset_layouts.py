"""Writes tiny datasets in the layouts that are published, each with its own counts and sums.

The published counts and MD5 sums are class constants; a tiny dataset is read by a subclass that states those of its
own files, so that every line that reads and checks the real one runs here too.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.io import savemat

from backbench.data.cifar10 import Cifar10
from backbench.data.dataset import DatasetSource
from backbench.data.digits import Digits
from backbench.data.emnist import CLASSES as LETTERS
from backbench.data.emnist import Emnist
from backbench.data.fashion_mnist import FashionMnist
from backbench.data.image_folder import ImageFolder
from backbench.data.parquet import Parquet
from backbench.data.random import Random
from backbench.data.svhn import Svhn

TRAIN, TEST = 40, 20


def pixels(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (count, *shape)).astype(np.uint8)


def labels(count: int, classes: int = 10) -> np.ndarray:
    return np.arange(count, dtype=np.int64) % classes


def write_idx(file: Path, array: np.ndarray, *, zipped: bool = False) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    data = (
        bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )
    target = file.with_name(f"{file.name}.gz") if zipped else file
    target.write_bytes(gzip.compress(data) if zipped else data)
    return target


def write_emnist(root: Path, split: str = "balanced", *, zipped: bool = False) -> type[Emnist]:
    """Images are stored transposed and, in `letters`, labels from 1, as the publication does."""
    classes = len(LETTERS[split])
    for part, count, seed in (("train", 2 * classes, 1), ("test", classes, 2)):
        start = root / "EMNIST" / "raw" / f"emnist-{split}-{part}"
        upright = pixels(count, 28, 28, seed=seed)
        write_idx(start.with_name(f"{start.name}-images-idx3-ubyte"), upright.swapaxes(1, 2), zipped=zipped)
        stored = labels(count, classes) + (split == "letters")
        write_idx(start.with_name(f"{start.name}-labels-idx1-ubyte"), stored, zipped=zipped)

    class TinyEmnist(Emnist):
        counts: ClassVar[dict[str, tuple[tuple[int, int], ...]]] = {split: ((2 * classes, classes),)}

    return TinyEmnist


def write_fashion_mnist(root: Path, *, zipped: bool = True) -> type[FashionMnist]:
    for part, count, seed in (("train", TRAIN, 1), ("t10k", TEST, 2)):
        start = root / "FashionMNIST" / "raw" / part
        write_idx(Path(f"{start}-images-idx3-ubyte"), pixels(count, 28, 28, seed=seed), zipped=zipped)
        write_idx(Path(f"{start}-labels-idx1-ubyte"), labels(count), zipped=zipped)

    class TinyFashionMnist(FashionMnist):
        counts: ClassVar[dict[str, int]] = {"train": TRAIN, "t10k": TEST}

    return TinyFashionMnist


def write_svhn(root: Path) -> type[Svhn]:
    """MATLAB's axes (height, width, channel, image), and 10 for the digit 0."""
    (root / "svhn").mkdir(parents=True)
    for part, count, seed in (("train", TRAIN, 1), ("test", TEST, 2)):
        found = labels(count)
        content = {"X": pixels(count, 32, 32, 3, seed=seed).transpose(1, 2, 3, 0), "y": np.where(found == 0, 10, found)}
        savemat(root / "svhn" / f"{part}_32x32.mat", content | {"y": content["y"][:, None]}, do_compression=True)

    class TinySvhn(Svhn):
        counts: ClassVar[dict[str, int]] = {"train_32x32.mat": TRAIN, "test_32x32.mat": TEST}

    return TinySvhn


def write_cifar10(root: Path, images: int = 20) -> type[Cifar10]:
    """Pickles of protocol 2, as Python 2 wrote them: rows of 3 × 1024 bytes, red first."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for seed, name in enumerate(Cifar10.sums):
        (folder / name).write_bytes(python2_pickle(pixels(images, 3072, seed=seed), labels(images).tolist()))
    return pinned(folder, images)


def python2_pickle(array: np.ndarray, found: list[int]) -> bytes:
    """{"data": array, "labels": found} with the opcodes of the published files: byte strings, numpy.core's name."""
    rows, columns = (b"M" + struct.pack("<H", side) for side in array.shape)
    kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    data = b"T" + struct.pack("<i", array.size) + array.tobytes()
    numbers = b"](" + b"".join(b"K" + bytes((label,)) for label in found) + b"e"
    state = b"(K\x01" + rows + columns + b"\x86" + kind + b"\x89" + data + b"tb"
    return b"\x80\x02}(U\x04data" + empty + state + b"U\x06labels" + numbers + b"u."


def pinned(folder: Path, images: int = 20) -> type[Cifar10]:
    """CIFAR-10 whose sums are those of the files that stand here."""
    files = {name: (folder / name).read_bytes() for name in Cifar10.sums}

    class TinyCifar10(Cifar10):
        sums: ClassVar[dict[str, str]] = {name: hashlib.md5(data).hexdigest() for name, data in files.items()}
        images: ClassVar[int] = 20

    TinyCifar10.images = images
    return TinyCifar10


def encoded(image: np.ndarray, form: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, form, **options)
    return stream.getvalue()


def write_parquet(
    file: Path, images: list[bytes | None], found: list[int | None], names: list[str] | None = None, rows: int = 16
) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    struct_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    cells = [{"bytes": data, "path": f"{place}.png"} for place, data in enumerate(images)]
    table = pa.table({"image": pa.array(cells, struct_type), "label": pa.array(found, pa.int64())})
    if names:
        info = {"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": names}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(table, file, row_group_size=rows)
    return file


def write_parquet_folder(folder: Path, form: str = "PNG", names: list[str] | None = None) -> Path:
    for part, count, seed in (("train", TRAIN, 1), ("test", TEST, 2)):
        images = [encoded(image, form) for image in pixels(count, 16, 12, 3, seed=seed)]
        write_parquet(folder / f"{part}.parquet", images, labels(count, 4).tolist(), names)
    return folder


def write_image_folder(folder: Path, parts: tuple[str, ...] = ("train", "test"), form: str = "PNG") -> Path:
    """Twelve images of 10 × 8 pixels in each of two classes of each part; no part: class folders alone."""
    for seed, part in enumerate(parts or ("",)):
        for place, name in enumerate(("cat", "dog")):
            (folder / part / name).mkdir(parents=True)
            for number, image in enumerate(pixels(12, 8, 10, 3, seed=10 * seed + place)):
                (folder / part / name / f"{number:02}.{form.lower()}").write_bytes(encoded(image, form))
    return folder


def parquet(root: Path) -> DatasetSource:
    write_parquet_folder(root / "shapes", names=["a", "b", "c", "d"])
    return Parquet(path="shapes")


def image_folder(root: Path) -> DatasetSource:
    write_image_folder(root / "pets")
    return ImageFolder(path="pets")


# For each built-in: writes what it needs under the root, and gives the source that reads it.
TINY: dict[str, Callable[[Path], DatasetSource]] = {
    "cifar10": lambda root: write_cifar10(root)(),
    "digits": lambda root: Digits(),
    "emnist": lambda root: write_emnist(root)(),
    "fashion_mnist": lambda root: write_fashion_mnist(root)(),
    "image_folder": image_folder,
    "parquet": parquet,
    "random": lambda root: Random(size="8", classes=5, n=30),
    "svhn": lambda root: write_svhn(root)(),
}
