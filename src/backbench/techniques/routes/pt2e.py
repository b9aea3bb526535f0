"""torchao's PT2E quantization with the x86 quantizer: the network becomes a graph that `torch.compile` lowers to oneDNN's int8 kernels.

The network is exported with `strict=True`: without it some versions of torch quantize nothing and don't say so; so the quantize nodes are
counted, and none is an error. Weights are stored as int8 parameters. The ranges of static activations stand in the graph as literal
numbers, so the notes keep them and `rebuilt` writes them back before the stored weights are loaded.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backbench.errors import BackbenchError, Skip, WeightsError
from backbench.registry import require

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]  # C × H × W
STORED = "_frozen_param"  # how torchao names the quantized weights


def quantized(
    model: nn.Module, shape: Shape, batches: Iterable[NDArray[np.float32]], *, dynamic: bool, reduce_range: bool
) -> tuple[nn.Module, dict[str, Any]]:
    """The quantized network and what rebuilds it.

    Raises MissingDependency, Skip where nothing is quantized, BackbenchError where torch can't export the network.
    """
    import torch

    prepared = observed(model, shape, dynamic, reduce_range)
    with torch.no_grad(), quiet():
        for batch in [probe(shape)] if dynamic else batches:  # weights are observed in a call, too
            prepared(torch.from_numpy(batch))
    converted = finished(prepared)
    count = sum(1 for _ in quantizing(converted))
    if not count:
        raise Skip("route torchao: it found nothing to quantize in this network")
    return converted, {
        "shape": list(shape),
        "quantize_nodes": count,
        "ranges": [list(node.args[1:3]) for node in literal(converted)],
        "bias_correction": None,
    }


def rebuilt(model: nn.Module, notes: dict[str, Any], *, dynamic: bool, reduce_range: bool) -> nn.Module:
    """The same graph around a new network's weights, with the stored ranges. Raises WeightsError where they don't fit."""
    import torch

    shape = tuple(notes["shape"])
    prepared = observed(model, shape, dynamic, reduce_range)
    with torch.no_grad(), quiet():
        prepared(torch.from_numpy(probe(shape)))  # the ranges that it gives are replaced
    converted = finished(prepared)
    nodes = list(literal(converted))
    if len(nodes) != len(notes["ranges"]):
        raise WeightsError(
            f"the quantized graph has {len(nodes)} ranges here and {len(notes['ranges'])} in the artefact: "
            "it was made by another version of torch or torchao"
        )
    for node, (scale, zero_point) in zip(nodes, notes["ranges"], strict=True):
        node.args = (node.args[0], scale, zero_point, *node.args[3:])
    converted.recompile()
    network: nn.Module = converted
    return network


def probe(shape: Shape) -> NDArray[np.float32]:
    """A batch of two that runs the network once, whatever it shows."""
    return np.linspace(-1, 1, 2 * int(np.prod(shape)), dtype=np.float32).reshape(2, *shape)


def observed(model: nn.Module, shape: Shape, dynamic: bool, reduce_range: bool) -> Any:
    """The exported network with observers in it."""
    library = require("route torchao", "torchao.quantization.pt2e.quantize_pt2e", "torch")
    x86 = require("route torchao", "torchao.quantization.pt2e.quantizer.x86_inductor_quantizer", "torch")
    quantizer = x86.X86InductorQuantizer()
    config = x86.get_default_x86_inductor_quantization_config(is_dynamic=dynamic, reduce_range=reduce_range)
    quantizer.set_global(config)
    with quiet():
        return library.prepare_pt2e(exported(model, shape), quantizer)


def exported(model: nn.Module, shape: Shape) -> Any:
    """The network as a graph of aten operators for any batch. Raises BackbenchError with torch's reason."""
    import torch

    batch = ({0: torch.export.Dim("batch", min=1)},)
    try:
        program = torch.export.export(
            copy.deepcopy(model).eval(), (torch.zeros(2, *shape),), dynamic_shapes=batch, strict=True
        )
    except Exception as error:  # the exporter's errors share no base but Exception
        first = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
        raise BackbenchError(f"route torchao: torch can't export the network: {first.strip()}") from None
    return program.module()


def finished(prepared: Any) -> Any:
    """Converted, with int8 weights as parameters and without the float ones."""
    from torch import nn

    library = require("route torchao", "torchao.quantization.pt2e", "torch")
    with quiet():
        converted = library.quantize_pt2e.convert_pt2e(prepared)
    used = {node.target for node in converted.graph.nodes if node.op == "get_attr"}
    held = dict(converted.named_parameters()) | dict(converted.named_buffers())
    for name in held.keys() - used:
        owner, _, last = name.rpartition(".")
        delattr(converted.get_submodule(owner), last)
    for name in [name for name in used if name.startswith(STORED)]:
        tensor = getattr(converted, name)
        delattr(converted, name)
        converted.register_parameter(name, nn.Parameter(tensor.detach().clone(), requires_grad=False))
    for name in ("train", "eval"):
        vars(converted).pop(
            name, None
        )  # torchao lets them raise; this graph is one of evaluation and has no other mode
    return converted


def quantizing(graph: Any) -> Iterator[Any]:
    """Nodes that quantize activations."""
    return (node for node in graph.graph.nodes if "quantized_decomposed.quantize_per" in str(node.target))


def literal(graph: Any) -> Iterator[Any]:
    """Nodes whose scale and zero point are numbers in the graph, in its order."""
    names = ("quantized_decomposed.quantize_per_tensor.default", "quantized_decomposed.dequantize_per_tensor.default")
    return (node for node in graph.graph.nodes if str(node.target) in names)


@contextmanager
def quiet() -> Iterator[None]:
    """torchao warns of its own deprecated insides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
