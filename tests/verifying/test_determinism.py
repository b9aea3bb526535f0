"""`--deterministic`: real trainings, each in a process and a cache of its own, compared by the hash of their weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backbench.errors import BackbenchError, UsageError
from backbench.settings import Settings
from backbench.training.determinism import draws, repeatable

torch = pytest.importorskip("torch", reason="torch is not installed")

NETS = """
from torch import nn

def conv(num_classes, in_channels, dropout=0.2):
    return nn.Sequential(
        nn.Conv2d(in_channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(dropout),
        nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, num_classes),
    )

class Unpooled(nn.Module):
    def __init__(self, num_classes, in_channels):
        super().__init__()
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        self.conv, self.head = nn.Conv2d(in_channels, 4, 3, padding=1), nn.Linear(4 * 64, num_classes)

    def forward(self, images):
        small, places = self.pool(self.conv(images))
        return self.head(self.unpool(small, places).flatten(1))

def unpooled(num_classes, in_channels):
    return Unpooled(num_classes, in_channels)
"""
# 1,024 images of 8 × 8 pixels a batch: enough for training to use all its threads
RECIPE = "description: a test's\nepochs: 2\nbatch: 1024\noptimizer: adamw\nlr: 0.01\nprecision: {precision}\nema: 0.9\nlanes: {lanes}\n"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("user")
    (folder / "nets.py").write_text(NETS)
    for name, precision, lanes in (("fp32", "fp32", 1), ("bf16", "bf16", 1), ("lanes", "fp32", 2)):
        (folder / f"{name}.yaml").write_text(RECIPE.format(precision=precision, lanes=lanes))
    return folder


def train(workplace: Path, cache: str, *more: str, model: str = "nets:conv") -> tuple[int, dict[str, Any], str]:
    """(exit code, what was printed as data, what was said)"""
    command = [sys.executable, "-m", "backbench", "train", model, "--dataset", "digits", "--json", *more]
    environment = {**os.environ, "BACKBENCH_CACHE": str(workplace / cache)}
    done = subprocess.run(command, cwd=workplace, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else {}, done.stderr


def weights(workplace: Path, cache: str, *more: str) -> str:
    code, printed, said = train(workplace, cache, *more)
    assert code == 0, said
    return str(printed["training"]["weights_sha256"])


@pytest.mark.parametrize(("precision", "threads"), [("fp32", "1"), ("fp32", "2"), ("bf16", "2")])
def test_two_trainings_have_the_same_weights_bit_by_bit(precision: str, threads: str, workplace: Path) -> None:
    options = ("--recipe", f"{precision}.yaml", "--deterministic", "--threads", threads)
    first, second = (weights(workplace, f"{precision}-{threads}-{number}", *options) for number in (1, 2))
    assert first == second


def test_another_seed_has_other_weights(workplace: Path) -> None:
    options = ("--recipe", "fp32.yaml", "--deterministic", "--threads", "1")
    assert weights(workplace, "seeds", *options) != weights(workplace, "seeds", *options, "--seed", "1")


def test_weights_that_need_not_repeat_are_not_served_for_those_that_must(workplace: Path) -> None:
    options = ("--recipe", "fp32.yaml", "--threads", "1")
    _, loose, _ = train(workplace, "kinds", *options)
    _, strict, _ = train(workplace, "kinds", *options, "--deterministic")
    assert loose["weights"] != strict["weights"]
    assert loose["training"]["deterministic"] is False
    assert strict["training"]["deterministic"] is True


def test_a_kernel_that_can_not_repeat_is_named(workplace: Path) -> None:
    options = ("--recipe", "fp32.yaml", "--threads", "1")
    code, _, said = train(workplace, "unpool", *options, "--deterministic", model="nets:unpooled")
    assert code == 1
    assert "max_unpooling2d_forward" in said
    assert "Traceback" not in said
    assert train(workplace, "unpool", *options, model="nets:unpooled")[0] == 0


def test_lanes_repeat_unless_they_share_random_numbers(workplace: Path) -> None:
    options = ("--recipe", "lanes.yaml", "--deterministic", "--threads", "2")
    code, _, said = train(workplace, "drawing", *options)
    assert code == 2
    assert "computes 2 lanes side by side" in said
    still = [train(workplace, f"lanes-{number}", *options, model="nets:conv:dropout=0") for number in (1, 2)]
    hashes = {printed["training"]["weights_sha256"] for _, printed, _ in still}
    assert len(hashes) == 1, still


def test_whether_a_network_draws_is_tried_out_and_changes_nothing() -> None:
    before = torch.get_rng_state()
    with_dropout = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Dropout())
    assert draws(with_dropout, (3, 4, 4))
    assert not draws(torch.nn.BatchNorm2d(3), (3, 4, 4))
    assert int(with_dropout[0].num_batches_tracked) == 0
    assert torch.equal(before, torch.get_rng_state())


def test_a_bound_on_memory_excludes_it(workplace: Path) -> None:
    code, _, said = train(workplace, "bound", "--recipe", "fp32.yaml", "--deterministic", "--max-memory", "4GB")
    assert code == 2
    assert "exclude each other" in said
    with pytest.raises(UsageError), repeatable(Settings(deterministic=True, max_memory=1)):
        pass


def test_the_training_leaves_a_manifest_beside_its_weights(workplace: Path) -> None:
    _, printed, _ = train(workplace, "manifest", "--recipe", "fp32.yaml", "--threads", "1", "--deterministic")
    folder = Path(printed["weights"]).parent
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["kind"] == "training"
    assert manifest["command"][:3] == ["backbench", "train", "nets:conv"]
    assert manifest["files"]["weights.safetensors"] == printed["training"]["weights_sha256"]
    assert manifest["settings"]["deterministic"] is True
    assert manifest["seeds"] == [0]


def failing(words: str) -> None:
    with repeatable(Settings(deterministic=True)):
        assert torch.are_deterministic_algorithms_enabled()
        raise RuntimeError(words)


def test_other_errors_pass_and_the_switch_is_put_back() -> None:
    assert not torch.are_deterministic_algorithms_enabled()
    with pytest.raises(RuntimeError, match="shapes differ"):
        failing("shapes differ")
    with pytest.raises(BackbenchError, match="the kernel some_kernel_cuda has no form"):
        failing("some_kernel_cuda does not have a deterministic implementation, but you set …")
    with repeatable(Settings()):
        assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
