"""What the runtimes of torch share: the device with its switches, and the way in and out of tensors.

fp32 means fp32: TensorFloat-32 is switched off on CUDA, for matrices and convolutions alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.errors import BackbenchError, Skip
from backbench.registry import require
from backbench.runtimes.node_time import NodeTime, precision_name
from backbench.runtimes.runtime import Runtime, Session

if TYPE_CHECKING:
    import torch
    from torch import nn

DTYPES = {"fp32": "float32", "bf16": "bfloat16"}
WARM = 3  # calls before operators are timed


def use_device(label: str, device: str, threads: int) -> None:
    """Threads and switches for this device. Raises MissingDependency, or Skip where the device is not here."""
    torch = require(label, "torch", "torch")
    if device != "cpu" and not torch.cuda.is_available():
        raise Skip(f"{label}: this machine has no device {device}")
    torch.set_num_threads(threads)
    if device != "cpu":
        # The older names: in torch 2.15 reading them fails after the newer ones (fp32_precision) were set.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


class TorchRuntime(Runtime):
    """A runtime whose sessions torch's profiler can look into."""

    def node_times(
        self, artefact: Artefact, device: str, threads: int, batch: NDArray[np.float32], calls: int
    ) -> list[NodeTime]:
        with self.open(artefact, device, threads) as session:
            return torch_node_times(session, batch, calls)


class TorchSession(Session):
    """Tensors of one type and layout on one device, through a callable in inference mode."""

    def __init__(
        self,
        label: str,
        call: Callable[[Any], Any],
        device: str,
        precision: str = "fp32",
        *,
        channels_last: bool = False,
    ) -> None:
        import torch

        self._label, self._call = label, call
        self._closed = False
        self._device = torch.device(device)
        self._dtype: torch.dtype = getattr(torch, DTYPES[precision])
        self._layout = torch.channels_last if channels_last else torch.contiguous_format

    def upload(self, batch: NDArray[np.float32]) -> Any:
        import torch

        host = torch.from_numpy(np.ascontiguousarray(batch, np.float32))
        placed = host.to(device=self._device, dtype=self._dtype, memory_format=self._layout)
        self._wait()
        return placed

    def run(self, batch: Any) -> Any:
        import torch

        if self._closed:
            raise BackbenchError(f"{self._label}: the session is closed")
        with torch.inference_mode():
            logits = self._call(batch)
        self._wait()
        return logits

    def download(self, logits: Any) -> NDArray[np.float32]:
        return np.asarray(logits.float().cpu().numpy(), dtype=np.float32)

    def _wait(self) -> None:
        """Until the device has computed everything: CUDA returns from a call before it is done."""
        import torch

        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def close(self) -> None:
        import torch

        self._closed, self._call = True, refused
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def refused(batch: Any) -> Any:
    """In the place of a network that was freed."""
    raise BackbenchError("the session is closed")


def precisions(tensors: Iterable[torch.Tensor]) -> str:
    """The types of the floating-point or 8-bit tensors among these, joined by `+`."""
    kinds = {precision_name(str(tensor.dtype).removeprefix("torch.")) for tensor in tensors if weight(tensor)}
    return "+".join(sorted(kinds))


def weight(tensor: torch.Tensor) -> bool:
    """Constants of shape arithmetic are no weights: single numbers and 64-bit integers."""
    import torch

    return tensor.dim() > 0 and (tensor.is_floating_point() or tensor.dtype in (torch.int8, torch.uint8))


def described(model: nn.Module) -> dict[str, Any]:
    """Precision, device and layout of the weights as they lie in memory, and the threads that torch uses."""
    import torch

    weights = [tensor for tensor in model.parameters() if tensor.is_floating_point()]
    return {
        "precision": precisions(weights),
        "device": "+".join(sorted({str(tensor.device) for tensor in weights})),
        "channels_last": any(
            tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()
            for tensor in weights
        ),
        "threads": torch.get_num_threads(),
    }


def torch_node_times(session: Session, batch: NDArray[np.float32], calls: int) -> list[NodeTime]:
    """torch's profiler: each operator's own time (what it calls is not in it), most expensive first.

    The profiler tells no types: `…::q…` are integer kernels, all others have the precision of the weights, and in a
    quantized network fp32.
    """
    from torch.profiler import ProfilerActivity, profile

    argument = session.upload(batch)
    for _ in range(WARM):
        session.run(argument)
    usual = str(session.executed()["precision"]).replace("int8", "fp32")
    on_gpu = argument.device.type != "cpu"
    with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as record:
        for _ in range(calls):
            session.run(argument)
    spent: Counter[str] = Counter()
    for event in record.events() or ():
        spent[event.name] += event.self_device_time_total if on_gpu else event.self_cpu_time_total  # microseconds
    return [
        NodeTime(name, name, "int8" if "::q" in name else usual, total / calls / 1e6, "torch")
        for name, total in spent.most_common()
        if total > 0
    ]
