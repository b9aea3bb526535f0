"""The receptive field: how many pixels of the input, height and width, can change one value of a feature map.

A window of k with dilation d widens it by d (k − 1) steps of the present stride (Araujo et al. 2019, "Computing
receptive fields of convolutional neural networks"); where branches meet, the widest counts. A mean over positions,
attention, a group norm, or a linear layer over a whole image makes it the image. Other operators that move positions
(upsampling, rolling, gathering) leave it undefined, and so is everything behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Field:
    """Pixels across and the stride so far, each height and width; `image`: all of it."""

    size: tuple[int, int] = (1, 1)
    jump: tuple[int, int] = (1, 1)
    image: bool = False

    def widened(self, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Field:
        size = tuple(self.size[axis] + dilation[axis] * (kernel[axis] - 1) * self.jump[axis] for axis in range(2))
        jump = tuple(self.jump[axis] * stride[axis] for axis in range(2))
        return Field((size[0], size[1]), (jump[0], jump[1]), self.image)


Rule = Callable[[Field, Any, int], Field | None]


def convolution(field: Field, args: Any, batch: int) -> Field | None:
    """aten.convolution(input, weight, bias, stride, padding, dilation, transposed, …)"""
    if args[6] or args[1].dim() != 4:
        return None
    return field.widened(args[1].shape[2:], pair(args[3]), pair(args[5]))


def pooling(field: Field, args: Any, batch: int) -> Field:
    """aten.max_pool2d(input, kernel, stride=kernel, padding=0, dilation=1), and avg_pool2d, which has no dilation."""
    kernel = pair(args[1])
    stride = pair(args[2]) if len(args) > 2 and args[2] else kernel
    return field.widened(kernel, stride, (1, 1))


def max_pooling(field: Field, args: Any, batch: int) -> Field:
    dilation = pair(args[4]) if len(args) > 4 else (1, 1)
    kernel = pair(args[1])
    stride = pair(args[2]) if len(args) > 2 and args[2] else kernel
    return field.widened(kernel, stride, dilation)


def image(field: Field, args: Any, batch: int) -> Field:
    return Field(field.size, field.jump, image=True)


def matrix(field: Field, args: Any, batch: int) -> Field:
    """One row an image: every position is mixed. More rows are positions, each for itself."""
    rows = next(part for part in args if len(part.shape) == 2 and part.shape[0] % batch == 0)
    return image(field, args, batch) if rows.shape[0] == batch else field


def same(field: Field, args: Any, batch: int) -> Field:
    return field


RULES: dict[str, Rule] = {
    "aten.convolution": convolution,
    "aten.avg_pool2d": pooling,
    "aten.max_pool2d_with_indices": max_pooling,
    "aten.mm": matrix,
    "aten.addmm": matrix,
    **dict.fromkeys(
        (
            "aten.mean", "aten._adaptive_avg_pool2d", "aten.adaptive_max_pool2d", "aten.native_group_norm", "aten.bmm",
            "aten.amax", "aten.sum", "aten._scaled_dot_product_flash_attention_for_cpu",
            "aten._scaled_dot_product_flash_attention", "aten._scaled_dot_product_efficient_attention",
            "aten._scaled_dot_product_cudnn_attention",
        ),
        image,
    ),
    **dict.fromkeys(
        (
            "aten.relu", "aten.relu_", "aten.hardtanh", "aten.hardtanh_", "aten.hardswish", "aten.hardswish_",
            "aten.hardsigmoid", "aten.hardsigmoid_", "aten.sigmoid", "aten.sigmoid_", "aten.silu", "aten.silu_",
            "aten.gelu", "aten.elu", "aten.elu_", "aten.leaky_relu", "aten.leaky_relu_", "aten.tanh", "aten.clamp",
            "aten.clamp_", "aten._prelu_kernel", "aten.softplus", "aten.mish", "aten.exp", "aten.neg", "aten.pow",
            "aten.sqrt", "aten.rsqrt", "aten.add", "aten.add_", "aten.sub", "aten.sub_", "aten.rsub", "aten.mul",
            "aten.mul_", "aten.div", "aten.div_", "aten.cat", "aten.stack", "aten.native_batch_norm",
            "aten._native_batch_norm_legit_no_training", "aten.cudnn_batch_norm", "aten.native_layer_norm",
            "aten.constant_pad_nd", "aten.clone", "aten.contiguous", "aten._to_copy", "aten.copy_", "aten.view",
            "aten._unsafe_view", "aten.reshape", "aten.permute", "aten.transpose", "aten.t", "aten.slice",
            "aten.select", "aten.split", "aten.split_with_sizes", "aten.unbind", "aten.expand", "aten.unsqueeze",
            "aten.squeeze", "aten.detach", "aten.alias", "aten.native_dropout", "aten._softmax", "aten.chunk",
        ),
        same,
    ),
}  # fmt: skip


class Fields:
    """Tensor → its field, as long as the tensor lives."""

    def __init__(self) -> None:
        from torch.utils.weak import WeakIdKeyDictionary

        self._known: Any = WeakIdKeyDictionary()
        self._batch = 1

    def start(self, batch: torch.Tensor) -> None:
        self._batch = batch.shape[0]
        self._known[batch] = Field()

    def pass_on(self, func: Any, args: Any, inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> None:
        """Gives the outputs the field that follows from the inputs', or none."""
        found = widest([self._known[tensor] for tensor in inputs if tensor in self._known])
        if found is None:
            return
        rule = RULES.get(str(func._overloadpacket))
        passed = rule(found, args, self._batch) if rule else None
        if passed is None and found.image:
            passed = found  # nothing is wider than the image
        for tensor in outputs if passed else ():
            self._known[tensor] = passed

    def of(self, tensors: Sequence[torch.Tensor]) -> Field | None:
        """The widest of several outputs; None where any has none."""
        found = [self._known.get(tensor) for tensor in tensors]
        return None if not found or None in found else widest([field for field in found if field])


def widest(fields: Sequence[Field]) -> Field | None:
    if not fields:
        return None
    size = (max(field.size[0] for field in fields), max(field.size[1] for field in fields))
    jump = (max(field.jump[0] for field in fields), max(field.jump[1] for field in fields))
    return Field(size, jump, any(field.image for field in fields))


def pair(value: Any) -> tuple[int, int]:
    """torch's sizes: a number, one number in a list, or two."""
    if isinstance(value, int):
        return (value, value)
    return (int(value[0]), int(value[-1]))
