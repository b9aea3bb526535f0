"""The memory bound: it splits the batch, a real step stays within it, and what can't fit is said."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from backbench.data import load_dataset
from backbench.data.preprocessing import native_preprocessing
from backbench.errors import UsageError
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.training import memory
from backbench.training.loop import Training
from backbench.training.recipe import Recipe

BATCH, ROOM = 1024, 400_000_000


@pytest.fixture
def run() -> Training:
    """A step of the whole batch keeps about 1 GB: 2048 × 8 × 8 float32, twice, for each image."""
    torch.manual_seed(0)
    wide = nn.Sequential(nn.Conv2d(1, 2048, 3, padding=1), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = nn.Sequential(wide, nn.Linear(2048, 10))
    digits = load_dataset(Choice(name="digits"), Settings())
    recipe = Recipe(description="a test's", epochs=1, batch=BATCH, lr=0.01, precision="fp32")
    return Training(network, digits, native_preprocessing(digits), recipe, 0, "cpu")


def peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def test_a_real_step_stays_within_the_bound(run: Training) -> None:
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        pytest.skip("the peak of the resident set can be reset on Linux only")
    bound = psutil.Process().memory_info().rss + ROOM
    run.micro_batch = memory.micro_batch(run, bound)
    assert 16 <= run.micro_batch < BATCH / 2
    reset.write_text("5")
    run.step(0, torch.arange(BATCH), torch.Generator().manual_seed(0))
    assert peak() <= bound


def test_what_is_kept_grows_with_the_images(run: Training) -> None:
    each = memory.kept_bytes(run, 2) - memory.kept_bytes(run, 1)
    activation = 2048 * 8 * 8 * 4
    assert activation <= each <= 3 * activation
    assert memory.kept_bytes(run, 9) - memory.kept_bytes(run, 1) == pytest.approx(8 * each, rel=0.02)


def test_a_large_bound_splits_nothing_and_a_small_one_is_refused(run: Training) -> None:
    assert memory.micro_batch(run, 10**13) == BATCH
    with pytest.raises(UsageError, match=r"--max-memory 1000: \d+ bytes are needed beside the images"):
        memory.micro_batch(run, 1000)
