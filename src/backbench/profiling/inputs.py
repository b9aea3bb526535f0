"""What is fed: random tensors of the input's shape, and photographs resized and cropped to it.

Both are scaled alike: pixels over 255, minus 0.5, over 0.2887 (the deviation of uniform pixels), so that nothing but
the content differs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backbench.data.image_folder import SUFFIXES
from backbench.data.images import Files, decode
from backbench.data.preprocessing import Preprocessing
from backbench.errors import DataError
from backbench.measuring.clock import WALL, Clock
from backbench.measuring.plan import Plan
from backbench.measuring.sampling import Feed, Source, call_times
from backbench.profiling.counted import Shape
from backbench.profiling.timed import Inputs
from backbench.runtimes.runtime import Session

MEAN, DEVIATION = 0.5, 0.2887
MOST_BYTES = 128_000_000  # of all distinct inputs together…
MOST, LEAST = 16, 2  # …which are between these many batches
TURNS = 5
FEWEST, CALLS = 2, 20  # calls of each kind in a turn


def distinct(shape: Shape) -> int:
    """How many batches are loaded beforehand: fewer where they are large, since a profile is about memory too."""
    return int(min(MOST, max(LEAST, MOST_BYTES // (4 * int(np.prod(shape))))))


def random_images(shape: Shape, batches: int, seed: int) -> NDArray[np.float32]:
    """batches · N × C × H × W float32: uniform pixels."""
    generator = np.random.Generator(np.random.PCG64(seed))
    pixels = generator.integers(0, 256, (batches * shape[0], *shape[1:]), dtype=np.uint8)
    return ((pixels.astype(np.float32) / np.float32(255)) - np.float32(MEAN)) / np.float32(DEVIATION)


def photographs(folder: Path, shape: Shape, batches: int) -> NDArray[np.float32]:
    """The folder's images in the order of their names, again from the first where there are too few; as above.

    Raises DataError where there is none, or one can't be read.
    """
    paths = image_files(folder)
    files = Files(tuple(paths[place % len(paths)] for place in range(batches * shape[0])))
    channels = 1 if shape[1] == 1 else 3
    scaling = Preprocessing(
        size=(shape[2], shape[3]), channels=shape[1], mean=(MEAN,) * shape[1], std=(DEVIATION,) * shape[1]
    )
    return scaling([decode(files.read(place), channels, files.place(place)) for place in range(len(files))])


def image_files(folder: Path) -> list[Path]:
    """Raises DataError where the folder holds no image."""
    if not folder.is_dir():
        raise DataError(f"--images {folder}: there is no such folder")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        raise DataError(f"--images {folder}: no image in it; allowed: {', '.join(sorted(SUFFIXES))}")
    return found


def random_against_real(session: Session, shape: Shape, folder: Path, plan: Plan, clock: Clock = WALL) -> Inputs:
    """The same session with both, in turns: some networks are faster on an image, by zeros or by their path."""
    count = distinct(shape)
    feeds = {
        "random": fed(session, random_images(shape, count, 0), shape[0]),
        "real": fed(session, photographs(folder, shape, count), shape[0]),
    }
    one = min(min(call_times(feed, clock, FEWEST, 0.0, plan.cap_seconds)) for feed in feeds.values())
    calls = int(min(CALLS, max(FEWEST, plan.timed_seconds / TURNS / max(one, 1e-9))))
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in feeds}
    for turn in range(TURNS):
        for name in sorted(feeds, reverse=bool(turn % 2)):
            found[name].append(tuple(call_times(feeds[name], clock, calls, 0.0, plan.cap_seconds)))
    images = min(count * shape[0], len(image_files(folder)))
    return Inputs(random=tuple(found["random"]), real=tuple(found["real"]), images=images)


def fed(session: Session, images: NDArray[np.float32], batch: int) -> Feed:
    return Source(images).feed(session, batch, "model", 0)
