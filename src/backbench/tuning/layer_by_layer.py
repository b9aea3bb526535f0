"""Compressing one layer of a network alone: a group of channels, pruned; or an operator with weights, quantized to int8."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.export import MODEL
from backbench.artefacts.network import Plan, export_folder, network_folder, reopen
from backbench.artefacts.operators import QUANTIZING, operators
from backbench.errors import UnknownName, UsageError
from backbench.registry import require
from backbench.spec.cell import Cell
from backbench.spec.choice import Choice
from backbench.techniques import REGISTRY

if TYPE_CHECKING:
    from torch import nn

    from backbench.techniques.prune_channels import PruneChannels

Images = NDArray[np.float32]
RATIOS = (0.25, 0.5, 0.75)
AT_ONCE = 64


@dataclass(frozen=True)
class Wanted:
    """Whose sensitivity, to what, measured on how many images of validation."""

    cell: Cell  # without a technique
    technique: Choice
    ratios: Sequence[float] = ()
    images: int = 1000
    threads: int = 1


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
            pairs = sum(operators(target)[name] for name in QUANTIZING)
            return classes_of_file(target, inputs, self.wanted.threads), {"quantizing_operators": pairs}


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
    from backbench.techniques.routes import halved, onnxruntime_int8
    from backbench.techniques.routes.onnx_file import input_of

    part: Any = REGISTRY.build(technique)
    context = plan.context()
    name, shape = input_of(source)
    chosen = calibration.draw(context, part.calibration, technique.name)
    images = onnxruntime_int8.Reader(name, calibration.batches(context, chosen, shape))
    onnxruntime_int8.static(
        source,
        target,
        images,
        per_channel=part.per_channel,
        method=part.method or "minmax",
        reduce_range=halved(part.reduce_range),
        nodes=[node],
    )
