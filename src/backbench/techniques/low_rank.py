"""Low-rank layers: each weight becomes the product of two thinner ones, by its singular values (Denil et al. 2013; Jaderberg et al. 2014).

A linear layer out × in of rank r becomes in → r → out; a convolution, read as out × (in · kernel), becomes the same kernel
with r outputs, then a 1×1. A layer is split only where that stores less. Grouped convolutions, layers of derived classes and
the layer that gives the logits stay.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from backbench.techniques.layers import output_layer
from backbench.techniques.technique import Context, Technique

if TYPE_CHECKING:
    from torch import Tensor, nn

Share = Annotated[float, Field(gt=0, lt=1)]
KEPT = ("kernel_size", "stride", "padding", "dilation", "padding_mode")  # of a convolution, in the first of its two


class LowRank(Technique):
    """Splits each layer into two thinner ones by its singular values.

    `ratio`: share of a layer's parameters that goes (0.5 where neither is given), or `energy`: share of the squared singular values that is
    kept.
    """

    stage: ClassVar[Literal["module", "graph"]] = "module"
    reshapes: ClassVar[bool] = True

    ratio: Share | None = None
    energy: Share | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_target(cls, options: Any) -> Any:
        if not isinstance(options, dict):
            return options
        if options.get("ratio") is None and options.get("energy") is None:
            return {**options, "ratio": 0.5}
        if options.get("ratio") is not None and options.get("energy") is not None:
            raise ValueError("ratio and energy are two ways to say how much goes: give one of them")
        return options

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        result, head, ranks, kept = copy.deepcopy(model), output_layer(model, context.shape), {}, {}
        for name, layer in splittable(result, head).items():
            rank, energy = self._rank(layer)
            if rank < break_even(layer):
                ranks[name], kept[name] = rank, energy
                replace(result, name, split(layer, rank))
        context.notes.update(ranks=ranks, energy=kept, left_alone=head)
        return result

    def rebuild(self, model: nn.Module, notes: dict[str, Any]) -> nn.Module:
        for name, rank in notes["ranks"].items():
            replace(model, name, thinner(model.get_submodule(name), rank))
        return model

    def _rank(self, layer: nn.Module) -> tuple[int, float]:
        """The rank, and the share of the squared singular values that it keeps."""
        import torch

        squares = torch.linalg.svdvals(matrix(layer).double()).square()
        shares = squares.cumsum(0) / squares.sum().clamp_min(torch.finfo(torch.float64).tiny)
        if self.energy is not None:
            rank = int((shares < self.energy).sum()) + 1
        else:
            assert self.ratio is not None
            rank = max(1, int((1 - self.ratio) * break_even(layer)))
        rank = min(rank, len(squares))
        return rank, float(shares[rank - 1])


def splittable(model: nn.Module, head: str | None) -> dict[str, nn.Module]:
    """Linear layers and ungrouped convolutions of exactly these classes: a derived class may read its weight itself."""
    from torch import nn

    found = {name: module for name, module in model.named_modules() if type(module) in (nn.Linear, nn.Conv2d)}
    return {name: layer for name, layer in found.items() if name != head and vars(layer).get("groups", 1) == 1}


def matrix(layer: nn.Module) -> Tensor:
    """The weight as outputs × (inputs · kernel)."""
    return layer.get_parameter("weight").detach().flatten(1)


def break_even(layer: nn.Module) -> float:
    """The rank at which two thinner layers store as much as the one."""
    rows, columns = matrix(layer).shape
    return rows * columns / (rows + columns)


def split(layer: nn.Module, rank: int) -> nn.Sequential:
    """The two layers with the best weights of this rank (Eckart and Young): √S goes to each side."""
    import torch

    left, values, right = torch.linalg.svd(matrix(layer).double(), full_matrices=False)
    root, pair = values[:rank].sqrt(), thinner(layer, rank)
    shapes = {name: tensor.shape for name, tensor in pair.state_dict().items()}
    state = {
        "0.weight": (root[:, None] * right[:rank]).reshape(shapes["0.weight"]),
        "1.weight": (left[:, :rank] * root).reshape(shapes["1.weight"]),
    }
    pair.load_state_dict(state | ({"1.bias": layer.get_parameter("bias")} if "1.bias" in shapes else {}))
    return pair


def thinner(layer: nn.Module, rank: int) -> nn.Sequential:
    """Two layers of the shapes that `split` gives, with values of no meaning."""
    from torch import nn

    biased = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Sequential(
            nn.Linear(layer.in_features, rank, bias=False), nn.Linear(rank, layer.out_features, bias=biased)
        )
    assert isinstance(layer, nn.Conv2d)
    how: dict[str, Any] = {name: getattr(layer, name) for name in KEPT}
    first = nn.Conv2d(layer.in_channels, rank, bias=False, **how)
    return nn.Sequential(first, nn.Conv2d(rank, layer.out_channels, 1, bias=biased))


def replace(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, layer)
