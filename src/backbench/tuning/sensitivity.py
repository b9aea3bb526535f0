"""How much accuracy each layer costs when it alone is compressed: pruned at several ratios, or quantized.

One layer at a time, the rest as trained, and the accuracy on images of *validation* (never of test: what is chosen by it is
selected). The difference is paired image by image with the whole network's. No training follows, so it says which layers hurt
most, not what a tuned network would reach. Each point is written when it is known: run again, it continues.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from backbench.artefacts.export import MODEL
from backbench.artefacts.network import Plan, export_folder, network_folder, reopen
from backbench.artefacts.prepare import planned
from backbench.data.inputs import batch
from backbench.errors import BackbenchError, UnknownName, UsageError
from backbench.records.store import write_json
from backbench.registry import require
from backbench.settings import Settings
from backbench.spec.cell import Cell, digest
from backbench.spec.choice import Choice
from backbench.statistics.accuracy import paired_interval
from backbench.statistics.intervals import CONFIDENCE
from backbench.techniques import REGISTRY

if TYPE_CHECKING:
    from torch import nn

    from backbench.techniques.prune_channels import PruneChannels

Images = NDArray[np.float32]
Right = NDArray[np.bool_]
RATIOS = (0.25, 0.5, 0.75)
IMAGE_SEED = 0  # every sensitivity of a dataset sees the same images
AT_ONCE = 64


class Point(BaseModel):
    """One layer, compressed alone. `lost`: images that only the whole network gets right; `won`: only this one; null with a reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: str
    setting: str  # `ratio=0.5`, `int8`
    n: int
    lost: int | None = None
    won: int | None = None
    facts: dict[str, Any] = {}  # what changed: channels and MACs
    reason: str | None = None  # why this layer can't be compressed so

    @property
    def pp(self) -> float | None:
        """Percentage points of accuracy against the whole network."""
        return None if self.lost is None or self.won is None else 100 * (self.won - self.lost) / self.n

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 %, paired (Agresti and Min), in percentage points."""
        if self.lost is None or self.won is None:
            return None
        low, high = paired_interval(self.lost, self.won, self.n, CONFIDENCE)
        return 100 * low, 100 * high


class Sensitivity(BaseModel):
    """All points of one network and technique; `correct` of `n` validation images are right without it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    technique: str
    dataset: str
    key: str  # digest of everything that the points depend on
    n: int
    correct: int
    points: tuple[Point, ...] = ()

    @property
    def settings(self) -> list[str]:
        return list(dict.fromkeys(point.setting for point in self.points))

    def rows(self) -> list[tuple[str, dict[str, Point]]]:
        """(layer, its points by setting), in the network's order."""
        layers = dict.fromkeys(point.layer for point in self.points)
        return [(name, {point.setting: point for point in self.points if point.layer == name}) for name in layers]

    def worst_first(self) -> list[tuple[str, dict[str, Point]]]:
        """The rows, the layer with the largest loss in any setting first."""
        return sorted(self.rows(), key=lambda row: min((point.pp or 0.0 for point in row[1].values()), default=0.0))


@dataclass(frozen=True)
class Wanted:
    """Whose sensitivity, to what, measured on how many images of validation."""

    cell: Cell  # without a technique
    technique: Choice
    ratios: Sequence[float] = ()
    images: int = 1000
    threads: int = 1


def sensitivity(wanted: Wanted, settings: Settings, out: Path, tell: Callable[[str], None]) -> Sensitivity:
    """Every layer in every setting; kept in `out`/sensitivity.json as it goes.

    Raises UsageError before anything runs; BackbenchError for a head that was never trained on the dataset.
    """
    kind = kind_of(wanted)
    plan = planned(wanted.cell, settings, tell)
    if not plan.origin.trained:
        raise BackbenchError(
            f"sensitivity {wanted.cell.model}: it is measured by accuracy, and the head was never trained on "
            f"{plan.dataset.name}: name a recipe or weights that were trained on it"
        )
    sweep = kind(wanted, plan)
    inputs, labels, _ = batch(plan.dataset.validation, plan.preprocessing, wanted.images, IMAGE_SEED)
    if not len(labels):
        raise BackbenchError(f"sensitivity {wanted.cell.model}: {plan.dataset.name} has no validation part")
    base = sweep.whole(inputs) == labels
    found = continued(wanted, plan, out, base)
    for layer, setting in sweep.places():
        if any((point.layer, point.setting) == (layer, setting) for point in found.points):
            continue
        point = measured(sweep, layer, setting, inputs, labels, base)
        found = found.model_copy(update={"points": (*found.points, point)})
        write_json(out / "sensitivity.json", found.model_dump(mode="json"))
        tell(f"{len(found.points)} of {sweep.count}: {layer} {setting}: {said(point)}")
    return found


def measured(sweep: Sweep, layer: str, setting: str, inputs: Images, labels: NDArray[Any], base: Right) -> Point:
    try:
        classes, facts = sweep.compressed(layer, setting, inputs)
    except BackbenchError as error:
        return Point(layer=layer, setting=setting, n=len(labels), reason=str(error))
    right = classes == labels
    lost, won = int((base & ~right).sum()), int((~base & right).sum())
    return Point(layer=layer, setting=setting, n=len(labels), lost=lost, won=won, facts=facts)


def said(point: Point) -> str:
    return point.reason or f"{point.pp:+.1f} pp"


def continued(wanted: Wanted, plan: Plan, out: Path, base: Right) -> Sensitivity:
    """What stands in the folder, where it is of the same question; else a new beginning."""
    asked = {"technique": str(wanted.technique), "ratios": list(wanted.ratios), "images": wanted.images}
    fresh = Sensitivity(
        model=str(wanted.cell.model),
        technique=str(wanted.technique),
        dataset=plan.dataset.title,
        key=digest([plan.key, asked]),
        n=len(base),
        correct=int(base.sum()),
    )
    path = out / "sensitivity.json"
    try:
        old = Sensitivity.model_validate(json.loads(path.read_text()))
    except (OSError, ValueError):
        return fresh
    return old if old.key == fresh.key else fresh


class Sweep:
    """The layers of one network under one technique."""

    def __init__(self, wanted: Wanted, plan: Plan) -> None:
        self.wanted, self.plan = wanted, plan
        self.model: nn.Module = reopen(plan, network_folder(plan))
        require("sensitivity", "torch", "torch").set_num_threads(wanted.threads)
        self.count = 0

    def places(self) -> Iterator[tuple[str, str]]:
        """(layer, setting)"""
        raise TypeError(f"{type(self).__name__} does not say its layers")

    def whole(self, inputs: Images) -> NDArray[np.int64]:
        """The arg-max of the uncompressed network."""
        raise TypeError(f"{type(self).__name__} does not say what the whole network predicts")

    def compressed(self, layer: str, setting: str, inputs: Images) -> tuple[NDArray[np.int64], dict[str, Any]]:
        """The arg-max with this layer alone compressed, and what changed. Raises BackbenchError where it can't be."""
        raise TypeError(f"{type(self).__name__} does not compress")


class Pruned(Sweep):
    """Each group of channels, pruned alone."""

    def __init__(self, wanted: Wanted, plan: Plan) -> None:
        super().__init__(wanted, plan)
        self.parts = {f"ratio={ratio:g}": pruning(wanted.technique, ratio) for ratio in wanted.ratios}
        self.layers = next(iter(self.parts.values())).groups(self.model, plan.context())
        self.count = len(self.parts) * len(self.layers)

    def places(self) -> Iterator[tuple[str, str]]:
        return ((layer, setting) for layer in self.layers for setting in self.parts)

    def whole(self, inputs: Images) -> NDArray[np.int64]:
        return classes_of(self.model, inputs)

    def compressed(self, layer: str, setting: str, inputs: Images) -> tuple[NDArray[np.int64], dict[str, Any]]:
        smaller, notes = self.parts[setting].pruned(self.model, self.plan.context(), only=layer)
        return classes_of(smaller, inputs), {"channels": notes["channels"].get(layer), "macs": notes["macs"]}


class Quantized(Sweep):
    """Each operator with weights, quantized to int8 alone, by ONNX Runtime's quantizer."""

    def __init__(self, wanted: Wanted, plan: Plan) -> None:
        super().__init__(wanted, plan)
        self.source = export_folder(plan, "onnx") / MODEL
        self.nodes = weighted_nodes(self.source)
        self.count = len(self.nodes)

    def places(self) -> Iterator[tuple[str, str]]:
        return ((layer, "int8") for layer in self.nodes)

    def whole(self, inputs: Images) -> NDArray[np.int64]:
        return classes_of_file(self.source, inputs, self.wanted.threads)

    def compressed(self, layer: str, setting: str, inputs: Images) -> tuple[NDArray[np.int64], dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / MODEL
            quantized_alone(self.wanted.technique, self.plan, self.source, target, self.nodes[layer])
            return classes_of_file(target, inputs, self.wanted.threads), {}


KINDS: dict[str, type[Sweep]] = {"prune_channels": Pruned, "quantize_static": Quantized}


def kind_of(wanted: Wanted) -> type[Sweep]:
    """Raises UnknownName, SpecError or UsageError before anything runs."""
    name = wanted.technique.name
    if name not in KINDS:
        raise UnknownName("technique", name, KINDS, "sensitivity")
    REGISTRY.build(wanted.technique, f"technique {name!r}")
    if name == "prune_channels":
        for ratio in wanted.ratios:
            pruning(wanted.technique, ratio)
    elif wanted.ratios:
        raise UsageError(f"sensitivity: technique {name} has no ratio")
    if wanted.images < 1:
        raise UsageError(f"sensitivity: images={wanted.images}: at least one is needed")
    return KINDS[name]


def pruning(technique: Choice, ratio: float) -> PruneChannels:
    """The technique at this ratio. Raises SpecError."""
    options = {**technique.options, "ratio": ratio}
    part: Any = REGISTRY.build(Choice(name=technique.name, options=options), f"technique {technique.name!r}")
    return part  # type: ignore[no-any-return]


def classes_of(model: nn.Module, inputs: Images) -> NDArray[np.int64]:
    import torch

    with torch.inference_mode():
        parts = [model(torch.from_numpy(inputs[start : start + AT_ONCE])) for start in range(0, len(inputs), AT_ONCE)]
    return np.asarray(torch.cat(parts).argmax(1).numpy(), np.int64)


def classes_of_file(path: Path, inputs: Images, threads: int) -> NDArray[np.int64]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    starts = range(0, len(inputs), AT_ONCE)
    parts = [session.run(None, {name: inputs[start : start + AT_ONCE]})[0] for start in starts]
    return np.asarray(np.concatenate(parts).argmax(1), np.int64)


def weighted_nodes(path: Path) -> dict[str, str]:
    """Layer → node, of every convolution and product with a stored weight; a layer is called by its weight where that has a name."""
    import onnx

    from backbench.techniques.routes.onnxruntime_int8 import prepared

    with tempfile.TemporaryDirectory() as folder:
        graph = onnx.load(prepared(path, Path(folder)), load_external_data=False).graph
    held = {tensor.name for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul") and node.input[1] in held]
    return {layer_name(node): node.name for node in nodes}


def layer_name(node: Any) -> str:
    """`layer1.0.conv1` of `layer1.0.conv1.weight`; the node's own name where the exporter made a new weight."""
    weight = str(node.input[1])
    return weight.removesuffix(".weight") if weight.endswith(".weight") else str(node.name)


def quantized_alone(technique: Choice, plan: Plan, source: Path, target: Path, node: str) -> None:
    from backbench.techniques import calibration
    from backbench.techniques.routes import onnxruntime_int8
    from backbench.techniques.routes.onnx_file import input_of

    part: Any = REGISTRY.build(technique)
    context = plan.context()
    name, shape = input_of(source)
    chosen = calibration.draw(context, part.calibration, technique.name)
    images = onnxruntime_int8.Reader(name, calibration.batches(context, chosen, shape))
    onnxruntime_int8.static(
        source, target, images, per_channel=part.per_channel, method=part.method or "minmax", nodes=[node]
    )


def default_threads() -> int:
    return os.cpu_count() or 1
