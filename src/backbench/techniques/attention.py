"""Attention whose heads became narrower: what must be set behind the removal of head dimensions.

For modules of timm's form: `num_heads`, and one linear layer `qkv` whose rows are queries, keys and values, each by head.
Scaled dot-product attention divides by the square root of the head's width. A narrower head would be divided by less, so the
queries are multiplied by √(new ÷ old): removing dimensions that are zero then changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

PARTS = 3  # queries, keys, values


def heads(model: nn.Module) -> dict[nn.Linear, int]:
    """The `qkv` layer of each attention → its number of heads."""
    return {qkv: vars(module)["num_heads"] for module in model.modules() if (qkv := qkv_of(module)) is not None}


def qkv_of(module: nn.Module) -> nn.Linear | None:
    from torch import nn

    found = dict(module.named_children()).get("qkv")
    return found if isinstance(found, nn.Linear) and isinstance(vars(module).get("num_heads"), int) else None


def head_width(qkv: nn.Linear, count: int) -> int:
    return qkv.out_features // (PARTS * count)


def refit(model: nn.Module, widths: dict[str, int]) -> None:
    """Sets each attention's attributes to its new head width; `widths` are those before, by module name. In place."""
    for name, module in model.named_modules():
        qkv = qkv_of(module)
        if qkv is None or name not in widths:
            continue
        count, old = vars(module)["num_heads"], widths[name]
        new = head_width(qkv, count)
        if new == old:
            continue
        scale_queries(qkv, new * count, (new / old) ** 0.5)
        values = {"head_dim": new, "attn_dim": new * count, "scale": new**-0.5}
        for key in values.keys() & vars(module).keys():
            setattr(module, key, values[key])


def widths(model: nn.Module) -> dict[str, int]:
    """Module name → the width of its heads."""
    found = {name: (qkv_of(module), module) for name, module in model.named_modules()}
    return {
        name: head_width(qkv, vars(module)["num_heads"]) for name, (qkv, module) in found.items() if qkv is not None
    }


def scale_queries(qkv: nn.Linear, rows: int, factor: float) -> None:
    """Multiplies the first `rows` rows, which make the queries."""
    import torch

    with torch.no_grad():
        qkv.weight[:rows] *= factor
        if qkv.bias is not None:
            qkv.bias[:rows] *= factor
