"""The training loop: one network, one dataset, one recipe, one seed; the best epoch on the *validation* part is kept.

The test part is never read here. Epoch e of seed s is random in the same way whether the run was interrupted or not.
What is kept are the averaged weights (EMA) where the recipe asks for them, batch-norm statistics averaged along.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.errors import TrainingDiverged
from backbench.records.environment import cpu_flags
from backbench.training import augment, checkpoint, memory
from backbench.training.batches import Pixels, shuffled, steps_of
from backbench.training.evaluate import accuracy
from backbench.training.lanes import Lanes
from backbench.training.recipe import Recipe
from backbench.training.schedule import build_optimizer, learning_rate, set_rate

ONE_THREAD = 32_768  # pixels of a batch: below, threads cost more than they bring (8 × 8 digits: 64 × 64 pixels)
FAST_BF16 = {"avx512_bf16", "amx_bf16"}


@dataclass(frozen=True)
class Progress:
    """Where a training stands; `validation` is the last epoch's accuracy, `seconds_left` an estimate."""

    epoch: int
    epochs: int
    loss: float
    validation: float | None
    images_per_second: float
    seconds_left: float

    def __str__(self) -> str:
        held_out = "" if self.validation is None else f", validation {self.validation:.1%}"
        left = f"{self.seconds_left / 60:.0f} min left" if self.seconds_left > 90 else f"{self.seconds_left:.0f} s left"
        speed = f"{self.images_per_second:.0f} images/s"
        return f"epoch {self.epoch}/{self.epochs}, loss {self.loss:.3f}{held_out}, {speed}, {left}"


Tell = Callable[[Progress], None]


@dataclass(frozen=True)
class Trained:
    """The network with the chosen epoch's weights, and what is known of how it came to be."""

    model: nn.Module
    about: dict[str, Any]  # the fields of `summary`


class Training:
    """One training in progress. Everything that a step needs, made once."""

    def __init__(
        self, model: nn.Module, dataset: Dataset, preprocessing: Preprocessing, recipe: Recipe, seed: int, device: str
    ) -> None:
        from accelerate import Accelerator

        self.recipe, self.seed, self.device = recipe, seed, device
        self.train = Pixels(dataset.train, preprocessing, resized_crop=recipe.augment.resized_crop)
        self.validation = Pixels(dataset.validation, preprocessing)
        # A coin per image decides which epochs mirror it: the even or the odd ones.
        self.coin = torch.randint(2, (len(self.train),), generator=torch.Generator().manual_seed(seed))
        self.mirrored, self.classes = dataset.mirrored, len(dataset.classes)
        self.window = recipe.augment.window if takes_windows(model, recipe.augment.window, preprocessing) else 1.0
        self.bf16 = recipe.precision == "bf16" or (recipe.precision == "auto" and fast_bf16(device))
        # Without its mixed precision: that is one for the whole process, and the next recipe may want another.
        self.accelerator = Accelerator(cpu=device == "cpu")
        self.model = model.to(device).to(memory_format=torch.channels_last)
        self.average = deepcopy(self.model).requires_grad_(False)
        self.optimizer = build_optimizer(self.model, recipe)
        self.loss: nn.Module = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        self.steps = steps_of(len(self.train), recipe.batch)
        self.micro_batch = recipe.batch
        self.lanes = Lanes(self.model, recipe.lanes)

    def autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.bf16)

    def accurate(self) -> float:
        """The averaged network's share of right answers on the validation part, 0…1."""
        return accuracy(self.average, self.validation, bf16=self.bf16, device=self.device)

    def save(self, path: Path, about: dict[str, Any]) -> None:
        """Everything that the next epoch needs; randomness is fixed by seed and epoch, the rate by the step."""
        tensors = checkpoint.named("model", self.model.state_dict())
        tensors |= checkpoint.named("average", self.average.state_dict())
        checkpoint.save(path, tensors | checkpoint.optimizer_tensors(self.optimizer), about)

    def restore(self, path: Path) -> dict[str, Any]:
        tensors, about = checkpoint.load(path)
        self.model.load_state_dict(checkpoint.section(tensors, "model"))
        self.average.load_state_dict(checkpoint.section(tensors, "average"))
        checkpoint.restore_optimizer(self.optimizer, tensors)
        return about

    def epoch(self, number: int) -> tuple[float, int]:
        """One pass over the train part: its mean loss and how many images it took."""
        generator = torch.Generator().manual_seed(self.seed * 100_003 + number)
        torch.manual_seed(self.seed * 100_003 + number)  # dropout and the like
        self.lanes.train()
        losses, images = [], 0
        for place, places in enumerate(shuffled(len(self.train), self.recipe.batch, generator)):
            losses.append(self.step(number * self.steps + place, places, generator))
            images += len(places)
        return sum(losses) / len(losses), images

    def step(self, number: int, places: Tensor, generator: torch.Generator) -> float:
        """One optimizer step, in micro-batches whose gradients add up to the batch's. Returns the batch's loss."""
        rate = learning_rate(self.recipe, number, self.steps)
        set_rate(self.optimizer, rate)
        images, targets = self.batch(number // self.steps, places, generator)
        parts = zip(images.chunk(self.recipe.lanes), targets.chunk(self.recipe.lanes), strict=True)
        total = self.lanes.run([partial(self.backward, inputs, wanted, len(images)) for inputs, wanted in parts])
        if not math.isfinite(total):
            raise TrainingDiverged(
                f"recipe {self.recipe.name!r}: the loss became {total} in epoch {number // self.steps + 1}, step {number}, "
                f"at learning rate {rate:.3g}; a lower lr or a longer warmup is the usual remedy"
            )
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.follow(number)
        return total

    def backward(self, images: Tensor, targets: Tensor, whole: int, model: nn.Module) -> float:
        """The gradients of one lane's part of a batch of `whole` images, in micro-batches; its share of the loss."""
        total, at_once = 0.0, max(1, self.micro_batch // self.recipe.lanes)
        for inputs, wanted in zip(images.split(at_once), targets.split(at_once), strict=True):
            with self.autocast():
                scores = model(inputs.to(self.device))
            loss = self.loss(scores.float(), wanted.to(self.device)) * (len(inputs) / whole)
            self.accelerator.backward(loss)
            total += loss.item()
        return total

    def batch(self, epoch: int, places: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Augmented float32 images and their targets: class numbers, or shares of classes where images are mixed."""
        how = self.recipe.augment
        mirror = ((self.coin[places] + epoch) % 2 == 0) & (how.flip and self.mirrored)
        window = self.window if epoch < how.windowed * self.recipe.epochs else 1.0
        images = augment.geometry(self.train.draw(places, generator), mirror, how, generator, window)
        normal, labels = self.train.normal(augment.erase(images, how.erase, generator)), self.train.labels[places]
        if not how.mixup and not how.cutmix:
            return normal, labels
        shares = nn.functional.one_hot(labels, self.classes).float()
        return augment.mix(normal, shares, how, generator)

    @torch.no_grad()
    def follow(self, number: int) -> None:
        """The average moves towards the model; early on it moves faster, since it began as random weights."""
        keep = min(self.recipe.ema, (1 + number) / (10 + number))
        mine, theirs = list(self.average.state_dict().values()), list(self.model.state_dict().values())
        moving = [place for place, tensor in enumerate(mine) if tensor.is_floating_point()]
        torch._foreach_lerp_([mine[place] for place in moving], [theirs[place] for place in moving], 1 - keep)
        for old, new in zip(mine, theirs, strict=True):
            if not old.is_floating_point():
                old.copy_(new)


def train(
    model: nn.Module,
    dataset: Dataset,
    preprocessing: Preprocessing,
    recipe: Recipe,
    *,
    seed: int,
    folder: Path,
    device: str = "cpu",
    max_memory: int | None = None,
    keep_start: bool = False,
    tell: Tell = lambda progress: None,
    loop: Callable[[nn.Module, Dataset, Preprocessing, Recipe, int, str], Training] = Training,
) -> Trained:
    """Trains `model` in place; continues from the folder's checkpoint where there is one.

    `loop` makes the training itself: a subclass of `Training` with another loss or other targets. `keep_start`: what was
    given may be chosen, too, as epoch 0: a training that only does harm changes nothing.

    Raises TrainingDiverged for a loss that is no number, DataError for an empty part.
    """
    torch.manual_seed(seed)
    if recipe.batch * preprocessing.size[0] * preprocessing.size[1] < ONE_THREAD:
        torch.set_num_threads(1)
    run = loop(model, dataset, preprocessing, recipe, seed, device)
    if max_memory is not None:
        run.micro_batch = memory.micro_batch(run, max_memory)
    last, best = folder / "last.safetensors", folder / "best.safetensors"
    about = run.restore(last) if last.exists() else begin(run, best, keep_start)
    for number in range(len(about["curve"]), recipe.epochs):
        started = time.monotonic()
        loss, images = run.epoch(number)
        accurate = run.accurate()
        about["curve"].append({"loss": loss, "validation": accurate})
        about["seconds"] += time.monotonic() - started
        about["images"] += images
        if accurate >= max(about.get("start", 0.0), *(entry["validation"] for entry in about["curve"])):
            run.save(best, about)
        run.save(last, about)
        tell(progress_of(about, recipe))
    chosen = run.restore(best)
    return Trained(run.average.cpu().eval().requires_grad_(True), summary(run, about, len(chosen["curve"])))


def begin(run: Training, best: Path, keep_start: bool) -> dict[str, Any]:
    """What is known before the first epoch; `start` is the accuracy on validation of what was given."""
    about: dict[str, Any] = {"curve": [], "seconds": 0.0, "images": 0}
    if keep_start:
        about["start"] = run.accurate()
        run.save(best, about)
    return about


def progress_of(about: dict[str, Any], recipe: Recipe) -> Progress:
    done = len(about["curve"])
    latest = about["curve"][-1]
    left = about["seconds"] / done * (recipe.epochs - done)
    return Progress(done, recipe.epochs, latest["loss"], latest["validation"], about["images"] / about["seconds"], left)


def summary(run: Training, about: dict[str, Any], selected: int) -> dict[str, Any]:
    """What the artefact's provenance keeps of the training."""
    return {
        "curve": about["curve"],
        **({"start": about["start"]} if "start" in about else {}),
        "selected_epoch": selected,
        "validation_accuracy": about["curve"][selected - 1]["validation"] if selected else about["start"],
        "validation_images": len(run.validation),
        "train_images": len(run.train),
        "seconds": about["seconds"],
        "images_per_second": about["images"] / about["seconds"],
        "precision": "bf16" if run.bf16 else "fp32",
        "micro_batch": run.micro_batch,
        "window": run.window,
        "device": run.device,
        "threads": torch.get_num_threads(),
    }


@torch.no_grad()
def takes_windows(model: nn.Module, window: float, preprocessing: Preprocessing) -> bool:
    """Whether the network runs on images of this share of the size: one that takes a single size sees whole images."""
    if window == 1:
        return True
    height, width = (round(side * window) for side in preprocessing.size)
    try:
        deepcopy(model).cpu().eval()(torch.zeros(2, preprocessing.channels, height, width))
    except (RuntimeError, ValueError, AssertionError):
        return False
    return True


def fast_bf16(device: str) -> bool:
    """Whether bf16 is faster than fp32 here: the processor has instructions for it, or it is a GPU."""
    return device != "cpu" or bool(FAST_BF16 & cpu_flags())
