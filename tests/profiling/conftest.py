"""Two runs of profiles in real processes, made once: small networks that are hard in one way each, and two that fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from profile_runs import NETWORKS, profiled

from backbench.profiling.document import Profile
from backbench.profiling.parts import Wanted

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def in_here() -> Iterator[None]:
    """Fresh processes find `small_networks` in the folder that they are started from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(HERE)
        yield


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images of different sizes, one of them grey."""
    folder = tmp_path_factory.mktemp("photographs")
    pixels = np.random.RandomState(0).randint(0, 256, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "one.png")
    Image.fromarray(pixels[:, :, 0]).save(folder / "two.jpg")
    return folder


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profile")


@pytest.fixture(scope="session")
def profiles(in_here: None, run_folder: Path, photographs: Path) -> dict[str, Profile]:
    """Name → profile: hard networks in full, then one size too small, one that can't fit, one that is no network."""
    made = [
        *profiled(run_folder, model=NETWORKS, wanted=Wanted(images=photographs, perfetto=True)),
        *profiled(run_folder / "small", model=("valid",), input="1x3x8x8"),
        *profiled(run_folder / "large", model=("wide",), input="2x3x4096x4096", max_memory=2 * 10**9),
        *profiled(run_folder / "onnx", model=("plain",), runtime="onnxruntime"),
    ]
    return {profile.cell.model.name.partition(":")[2]: profile for profile in made}
