"""Batch-norm folded into the convolution before it: in evaluation both are linear, so one is enough (Jacob et al. 2018, section 3.2).

Exporters do so by themselves; an eager network runs each batch-norm as an operator of its own, which at batch 1 may take as long as its
convolution. torch.fx says which batch-norm reads which convolution and whether anyone else does. What can't be traced as a whole (a
network whose path depends on its input) is traced in its parts. Equal outputs are checked, not assumed.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from backbench.errors import BackbenchError, Skip
from backbench.techniques.technique import Context, Technique

if TYPE_CHECKING:
    from torch import fx, nn

Pair = tuple[str, str]
IMAGES, CLOSE = 8, 1e-3  # random images to compare on; the largest error ÷ the largest output


class FoldBn(Technique):
    """The same outputs with fewer operators."""

    stage: ClassVar[Literal["module", "graph"]] = "module"

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        """Raises Skip where there is nothing to fold, BackbenchError where the outputs are others."""
        result, found = folded(model)
        if not found:
            raise Skip(f"fold_bn: {type(model).__name__} has no batch-norm that follows a convolution")
        compare(model, result, context)
        context.notes.update(folded=[list(pair) for pair in found], left=batch_norms(result))
        return result

    def rebuild(self, model: nn.Module, notes: dict[str, Any]) -> nn.Module:
        model.eval()
        for conv, norm in notes["folded"]:
            fold(model, conv, norm)
        return model


def folded(model: nn.Module) -> tuple[nn.Module, list[Pair]]:
    """A copy in evaluation mode with all folded that can be, and what that was."""
    result = copy.deepcopy(model).eval()
    found = pairs(result)
    for conv, norm in found:
        fold(result, conv, norm)
    return result, found


def pairs(model: nn.Module, prefix: str = "") -> list[Pair]:
    """Convolutions and the batch-norms that alone read them, by their names; `model` is in evaluation mode."""
    graph = traced(model)
    if graph is not None:
        return [(prefix + conv, prefix + norm) for conv, norm in neighbours(model, graph)]
    return [pair for name, child in model.named_children() for pair in pairs(child, f"{prefix}{name}.")]


def traced(model: nn.Module) -> fx.Graph | None:
    """The graph with convolutions and batch-norms as its leaves, those of derived classes too; None where there is none."""
    from torch import fx, nn

    class Tracer(fx.Tracer):
        def is_leaf_module(self, module: nn.Module, name: str) -> bool:
            return isinstance(module, nn.Conv2d | nn.BatchNorm2d) or super().is_leaf_module(module, name)

    try:
        return Tracer().trace(model)
    except Exception:  # a forward may raise anything at a tensor that has no value
        return None


def neighbours(model: nn.Module, graph: fx.Graph) -> list[Pair]:
    """Modules that are called more than once keep what they have."""
    from torch import nn

    calls = [node for node in graph.nodes if node.op == "call_module"]
    times = Counter(str(node.target) for node in calls)
    found = []
    for conv in calls:
        (reader,) = conv.users if len(conv.users) == 1 else (conv,)
        pair = str(conv.target), str(reader.target)
        if reader in calls and times[pair[0]] == times[pair[1]] == 1:
            first, second = (model.get_submodule(name) for name in pair)
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d) and second.running_mean is not None:
                found.append(pair)
    return found


def fold(model: nn.Module, conv: str, norm: str) -> None:
    """In place: the convolution takes the batch-norm's scale and shift; what a derived class does besides is left behind."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    before, after = model.get_submodule(conv), model.get_submodule(norm)
    assert isinstance(before, nn.Conv2d)
    assert isinstance(after, nn.BatchNorm2d)
    model.set_submodule(conv, fuse_conv_bn_eval(before, after))
    inside = list(after.children())  # timm's hold their activation
    model.set_submodule(norm, nn.Sequential(*inside) if inside else nn.Identity())


def batch_norms(model: nn.Module) -> list[str]:
    from torch import nn

    return [name for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)]


def compare(model: nn.Module, thin: nn.Module, context: Context) -> None:
    import torch

    images = torch.randn(IMAGES, *context.shape, generator=torch.Generator().manual_seed(context.seed))
    with torch.inference_mode():
        wanted, found = copy.deepcopy(model).eval()(images), thin(images)
    error = float((wanted - found).abs().max() / wanted.abs().max().clamp_min(1e-30))
    if not error <= CLOSE:
        raise BackbenchError(
            f"fold_bn: folded, {type(model).__name__} gives other outputs (largest error {error:.2g} of the scale)"
        )
