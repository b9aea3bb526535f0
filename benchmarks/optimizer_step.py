"""How long one step of the optimizer takes, fused as training has it and plain as torch's default is on a processor.

    python benchmarks/optimizer_step.py [--rounds 10] [--threads 2]

The same network twice, with random gradients; each round times one step of both, and the ratio is taken within the
round. Printed are medians and the range of the ratios.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter

import torch
from torch import nn

from backbench.models.build import build
from backbench.spec.choice import Choice
from backbench.training.recipe import load_recipe
from backbench.training.schedule import build_optimizer

PAIRS = (
    ("resnet20", "cifar10"),
    ("vgg16_bn_cifar", "cifar10-deep"),
    ("convnext_mini", "small-images"),
    ("convnext_tiny", "small-images-quick"),
    ("convnext_base", "small-images-quick"),
)  # network, recipe: SGD and AdamW


def stepping(name: str, recipe: str, fused: bool) -> torch.optim.Optimizer:
    """The recipe's optimizer of a network in channels last, with a gradient for each weight and one step behind it."""
    torch.manual_seed(0)
    network: nn.Module = build(Choice(name=name), num_classes=10, in_channels=3, input_size=(32, 32))
    network = network.to(memory_format=torch.channels_last)
    for weight in network.parameters():
        weight.grad = torch.randn_like(weight) * 1e-3
    optimizer = build_optimizer(network, load_recipe(recipe))
    for group in optimizer.param_groups:
        group["fused"] = fused
    optimizer.step()
    return optimizer


def seconds(optimizer: torch.optim.Optimizer) -> float:
    start = perf_counter()
    optimizer.step()
    return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.rounds} interleaved rounds, {arguments.threads} threads\n")
    print("| network | optimizer | plain, ms | fused, ms | plain ÷ fused |\n|---|---|--:|--:|---|")
    for name, recipe in PAIRS:
        plain, fused = stepping(name, recipe, False), stepping(name, recipe, True)
        times = [(seconds(plain), seconds(fused)) for _ in range(arguments.rounds)]
        slow, quick = (1e3 * median(column) for column in zip(*times, strict=True))
        ratios = [one / other for one, other in times]
        kind = type(plain).__name__
        print(
            f"| {name} | {kind} | {slow:.2f} | {quick:.2f} | {median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |"
        )


if __name__ == "__main__":
    main()
