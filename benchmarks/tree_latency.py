"""Two trees image by image, along the paths that real images take: all of them, and each tree's dearest path alone.

    python benchmarks/tree_latency.py trees/emnist-published emnist --dataset emnist-bymerge47 --data-root DIR

A record's latency is a median over test images, whichever way they go; a tree's MACs are told for its dearest path. Here
a path's share of the images is told, too. Batch 1, batch-norm folded in every form; the trees take turns within a
round, and ratios are taken within the round, with a t interval over rounds (one process).
"""

from __future__ import annotations

import argparse
import copy
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from backbench.data import load_dataset
from backbench.data.inputs import test_batch
from backbench.models.build import default_preprocessing
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.statistics.compare import paired_ratio
from backbench.techniques.fold_bn import folded
from backbench.trunk.cost import costs
from backbench.trunk.export import export
from backbench.trunk.networks.routing import TrunkNetwork, visits
from backbench.trunk.store import open_network, place_of

Call = Callable[[Any], Any]
Images = NDArray[np.float32]
LAST = torch.channels_last
WARM, EACH = 3, 24  # rounds that are not counted; images of each path in a round


@dataclass(frozen=True)
class Timed:
    """One tree: what runs it, its images, and their MACs, nodes really visited."""

    forms: dict[str, Call]
    images: Images
    macs: NDArray[np.float64]

    def picked(self, path: str) -> Images:
        rows = np.arange(len(self.macs)) if path == "any" else np.flatnonzero(self.macs == self.macs.max())
        return self.images[np.resize(rows, EACH)]


def timed(tree: str, arguments: argparse.Namespace, folder: Path) -> Timed:
    made, network = open_network(place_of(tree))
    thin: Any = folded(network)[0]
    last: Any = copy.deepcopy(thin).to(memory_format=LAST)
    dataset = load_dataset(Choice.parse(arguments.dataset), Settings(data_root=arguments.data_root))
    model = Choice.parse(f"trunk:tree={tree}")
    images, _, _ = test_batch(dataset, default_preprocessing(model, dataset), arguments.images, 0)
    nodes = {name: cost.macs for name, cost in costs(made, network).nodes.items()}
    macs = np.array([along(thin, nodes, image) for image in torch.from_numpy(images)])
    (graph,) = export(made, network, "graph", folder)
    (script,) = export(made, network, "torchscript", folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\..*")
        loaded = torch.jit.load(str(script))  # type: ignore[no-untyped-call]
    return Timed(
        {
            "eager": lambda image: thin(torch.from_numpy(image)),
            "eager, channels last": lambda image: last(torch.from_numpy(image).contiguous(memory_format=LAST)),
            "torchscript": lambda image: loaded(torch.from_numpy(image)),
            "onnxruntime": lambda image: session.run(None, {name: image}),
        },
        images,
        macs,
    )


def along(network: TrunkNetwork, nodes: dict[str, float], image: torch.Tensor) -> float:
    return sum(nodes[name] * times for name, times in visits(network, image.unsqueeze(0)).items())


def seconds(call: Call, images: Images) -> float:
    """The median over images, each alone."""
    taken = []
    for place in range(len(images)):
        image = images[place : place + 1]
        started = perf_counter()
        call(image)
        taken.append(perf_counter() - started)
    return median(taken)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("trees", nargs=2, help="folders or names; ratios are first ÷ second")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--data-root", type=Path, default=os.environ.get("BACKBENCH_DATA"))
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        pair = [timed(tree, arguments, Path(folder, str(place))) for place, tree in enumerate(arguments.trees)]
        for tree, one in zip(arguments.trees, pair, strict=True):
            share = float((one.macs == one.macs.max()).mean())
            print(
                f"{tree}: {one.macs.mean() / 1e6:.1f} M MACs an image, {one.macs.max() / 1e6:.1f} M at most ({share:.0%})"
            )
        print(f"\n{arguments.rounds} rounds, {arguments.threads} threads, torch {torch.__version__}\n")
        print("| form | images | first, ms | second, ms | first ÷ second |\n|---|---|--:|--:|---|")
        for form in pair[0].forms:
            for path in ("any", "dearest"):
                row(form, path, pair, arguments.rounds)


def row(form: str, path: str, pair: list[Timed], rounds: int) -> None:
    chosen = [(one.forms[form], one.picked(path)) for one in pair]
    times = [[seconds(call, images) for call, images in chosen] for _ in range(WARM + rounds)][WARM:]
    first, second = ({place: time[which] for place, time in enumerate(times)} for which in (0, 1))
    ratio = paired_ratio(second, first)
    print(
        f"| {form} | {path} | {1e3 * median(first.values()):.3f} | {1e3 * median(second.values()):.3f} |"
        f" {ratio.estimate:.2f} ({ratio.low:.2f}–{ratio.high:.2f}) |",
        flush=True,
    )


if __name__ == "__main__":
    main()
