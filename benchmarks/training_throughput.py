"""Training images per second: backbench against the usual torchvision pipeline and against eager fp32, in one run.

    python benchmarks/training_throughput.py --data-root DIR [--model resnet20] [--rounds 7]

The usual pipeline is torchvision's reference script at this size: Pillow images, RandomCrop, RandomHorizontalFlip,
ToTensor and Normalize in a DataLoader with workers, Nesterov SGD. Every way trains the same network with the same
batch and optimizer. Each round takes every way once, in random order; before the clock runs, each takes enough steps
to use up what its workers had prepared while others ran. Ratios are of seconds per image, paired by round, with 95 %
intervals. Needs a quiet machine; training changes nothing outside the process.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from statistics import geometric_mean
from time import perf_counter
from typing import Any

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from backbench.data import load_dataset
from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing, native_preprocessing
from backbench.models.build import build
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.statistics.compare import paired_ratio
from backbench.statistics.intervals import positive_bounds
from backbench.training.loop import Training, fast_bf16
from backbench.training.recipe import Recipe, load_recipe

Step = Callable[[], None]
USUAL = "DataLoader, fp32"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="resnet20")
    parser.add_argument("--dataset", default="cifar10", help="`random:size=32,classes=10,n=5000` needs no files")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=torch.get_num_threads(), help="of the DataLoader")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=30, help="timed in each round and way")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = load_recipe("cifar10")
    ways = ways_of(arguments, recipe)
    warm = 2 * arguments.workers + 4  # a DataLoader keeps two batches for each worker
    show(measure(ways, arguments.rounds, arguments.steps, warm, recipe.batch), arguments)


def ways_of(arguments: argparse.Namespace, recipe: Recipe) -> dict[str, Step]:
    """What one training step is, in each way."""
    settings = Settings(data_root=arguments.data_root) if arguments.data_root else Settings()
    dataset = load_dataset(Choice.parse(arguments.dataset), settings)
    preprocessing = native_preprocessing(dataset)

    def network() -> nn.Module:
        torch.manual_seed(0)
        size, channels = preprocessing.size, preprocessing.channels
        choice, classes = Choice.parse(arguments.model), len(dataset.classes)
        return build(choice, num_classes=classes, in_channels=channels, input_size=size)

    def ours(precision: str) -> Step:
        how = recipe.model_copy(update={"precision": precision})
        return our_step(Training(network(), dataset, preprocessing, how, 0, "cpu"))

    def theirs(bf16: bool) -> Step:
        return usual_step(network(), batches(dataset, preprocessing, recipe.batch, arguments.workers), recipe, bf16)

    ways = {"backbench, fp32": ours("fp32"), USUAL: theirs(False)}
    if fast_bf16("cpu"):
        ways |= {"backbench, bf16": ours("bf16"), "DataLoader, bf16 channels_last": theirs(True)}
    return ways


def our_step(run: Training) -> Step:
    """backbench's own step: batched augmentation, the network, the averaged weights."""
    generator, count = torch.Generator().manual_seed(0), iter(range(10**9))
    run.model.train()

    def step() -> None:
        run.step(next(count), torch.randint(len(run.train), (run.recipe.batch,), generator=generator), generator)

    return step


class Pictures(TorchDataset[tuple[torch.Tensor, int]]):
    """torchvision's CIFAR10 as its users have it: an array, a Pillow image per item, then the transforms."""

    def __init__(self, dataset: Dataset, preprocessing: Preprocessing) -> None:
        from torchvision import transforms

        self.pixels = preprocessing.pixels(dataset.train.images.read(range(len(dataset.train))))
        self.labels = dataset.train.labels
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(preprocessing.size, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(preprocessing.mean, preprocessing.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[place])), int(self.labels[place])


def batches(dataset: Dataset, preprocessing: Preprocessing, batch: int, workers: int) -> Iterator[Any]:
    """Batches without end; the workers stay alive."""
    pictures = Pictures(dataset, preprocessing)
    loader = DataLoader(
        pictures, batch, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0
    )
    return chain.from_iterable(repeat(loader))


def usual_step(network: nn.Module, source: Iterator[Any], recipe: Recipe, bf16: bool) -> Step:
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        network.parameters(), 0.05, momentum=recipe.momentum, weight_decay=recipe.weight_decay, nesterov=True
    )
    layout = torch.channels_last if bf16 else torch.contiguous_format
    network = network.to(memory_format=layout).train()

    def step() -> None:
        images, labels = next(source)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            scores = network(images.contiguous(memory_format=layout))
        optimizer.zero_grad(set_to_none=True)
        loss(scores.float(), labels).backward()
        optimizer.step()

    return step


def measure(ways: dict[str, Step], rounds: int, steps: int, warm: int, batch: int) -> dict[str, dict[int, float]]:
    """Seconds per image: way → round → value."""
    seconds: dict[str, dict[int, float]] = {name: {} for name in ways}
    for number in range(rounds):
        order = list(ways)
        random.Random(number).shuffle(order)
        for name in order:
            seconds[name][number] = block(ways[name], steps, warm) / batch
            print(f"round {number + 1}/{rounds}  {name:32} {1 / seconds[name][number]:7.0f} images/s", flush=True)
    return seconds


def block(step: Step, steps: int, warm: int) -> float:
    """Seconds of one step, the mean of a timed block behind warm-up steps."""
    for _ in range(warm):
        step()
    started = perf_counter()
    for _ in range(steps):
        step()
    return (perf_counter() - started) / steps


def show(seconds: dict[str, dict[int, float]], arguments: argparse.Namespace) -> None:
    rounds = arguments.rounds
    print(f"\n{arguments.model} on {arguments.dataset}, {arguments.threads} threads, {rounds} rounds")
    print(f"\n| way | images/s (95 %) | times the usual ({USUAL}) |\n|---|---|---|")
    for name, values in seconds.items():
        low, high = positive_bounds(list(values.values()))
        ratio = paired_ratio(values, seconds[USUAL])  # the usual's seconds ÷ this way's: how many times as many images
        speed = f"{1 / geometric_mean(values.values()):.0f} ({1 / high:.0f}–{1 / low:.0f})"
        print(f"| {name} | {speed} | {ratio.estimate:.2f} ({ratio.low:.2f}–{ratio.high:.2f}) |")


if __name__ == "__main__":
    main()
