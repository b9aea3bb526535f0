"""One pass, operator by operator: MACs, bytes moved, and which bytes are alive; without computing where that can be.

Tensors without values (`FakeTensorMode`) run through the network: every shape is known, no memory is taken, and a
tensor dies exactly when Python lets it go, as in the real pass. So the bytes that will be alive at any size are known
before that size is run. A network whose path depends on values can't be followed so; it is run with one random input.

MACs by torch's own formulas (`torch.utils.flop_counter`, 1 MAC = 2 FLOPs). Bytes read and written are those of each
operator's tensors; a view moves none. What a library copies for itself inside an operator is not seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from backbench.profiling.counted import Step
from backbench.profiling.module_stack import ROOT, hooked, modules_to
from backbench.profiling.receptive_field import Field, Fields

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass
class Seen:
    """What one module did in the pass; counts are its operators' own, those of inner modules not included."""

    calls: int = 0
    outputs: list[tuple[int, ...]] = field(default_factory=list)
    output_bytes: int = 0
    field: Field | None = None


@dataclass
class Trace:
    """`values`: the pass was computed, since the network's path depends on values."""

    steps: list[Step]
    seen: dict[str, Seen]
    input_bytes: int
    values: bool

    @property
    def peak(self) -> int:
        return max(step.live for step in self.steps)

    @property
    def copies(self) -> int:
        """Bytes of the operator with the largest tensors, counted once more."""
        return max(step.read + step.written for step in self.steps)


class Watch:
    """Collects steps; `live` holds the storages that were made in the pass, or brought in, and are not dead yet."""

    def __init__(self, model: nn.Module) -> None:
        self.steps: list[Step] = []
        self.seen: dict[str, Seen] = {path: Seen() for path in modules_to(model)}
        self.fields = Fields()
        self._stack: list[str] = [ROOT]
        self._live: dict[int, tuple[Any, int]] = {}

    def start(self, batch: torch.Tensor) -> None:
        self._add([batch])
        self.fields.start(batch)

    def enter(self, path: str) -> None:
        self._stack.append(path)

    def leave(self, path: str, output: Any) -> None:
        self._stack.pop()
        tensors = tensors_in(output)
        found = self.seen[path]
        found.calls += 1
        found.outputs = [tuple(tensor.shape) for tensor in tensors]
        found.output_bytes = sum(map(size_of, tensors))
        found.field = self.fields.of(tensors)

    def operator(self, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        """Notes one operator that has just run."""
        inputs, outputs = tensors_in((args, kwargs)), tensors_in(out)
        if not outputs:
            return
        known = {storage_key(tensor) for tensor in inputs}
        fresh = [] if aliases(func) else [tensor for tensor in outputs if storage_key(tensor) not in known]
        changed = fresh or (outputs if func._schema.is_mutable else [])
        self.fields.pass_on(func, args, inputs, outputs)
        self._drop_dead()
        self._add(fresh)
        self.steps.append(
            Step(
                name=str(func._overloadpacket),
                path=self._stack[-1],
                macs=macs_of(func, args, kwargs, out),
                read=sum(map(size_of, inputs)) if changed else 0,
                written=sum(map(size_of, changed)),
                live=sum(size for _, size in self._live.values()),
            )
        )

    def _add(self, tensors: list[torch.Tensor]) -> None:
        from torch.multiprocessing.reductions import StorageWeakRef

        for tensor in tensors:
            reference = StorageWeakRef(tensor.untyped_storage())
            self._live[reference.cdata] = (reference, tensor.untyped_storage().nbytes())

    def _drop_dead(self) -> None:
        for key in [key for key, (reference, _) in self._live.items() if reference.expired()]:
            del self._live[key]


def trace(model: nn.Module, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Trace:
    """Follows one batch of this shape (N × C × H × W). Raises what the network raises at this size."""
    import torch

    kind = dtype or torch.float32
    try:
        return follow(model, lambda: torch.empty(shape, dtype=kind), fake=True)
    except Exception as error:  # a network may raise anything
        if not reads_values(error):
            raise
    random = torch.Generator().manual_seed(0)
    return follow(model, lambda: torch.rand(shape, generator=random).to(kind), fake=False)


def reads_values(error: Exception) -> bool:
    """Whether the network asked a tensor for its values; torch wraps that where a guard of its own met it first."""
    from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

    said = str(error).lower()
    return isinstance(error, (DataDependentOutputException, DynamicOutputShapeException)) or "data-dependent" in said


def follow(model: nn.Module, make_batch: Callable[[], torch.Tensor], fake: bool) -> Trace:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    watch = Watch(model)
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(without_fast_path())
        if fake:
            stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        batch = make_batch()
        watch.start(batch)
        stack.enter_context(hooked(modules_to(model), watch.enter, watch.leave))
        stack.enter_context(watching(watch))
        model(batch)
        return Trace(watch.steps, watch.seen, size_of(batch), values=not fake)


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Every operator below Python's surface is told to `watch`; composite ones are taken apart first."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if func.namespace == "aten" and func._overloadpacket not in flop_registry:
                with self:
                    parts = func.decompose(*args, **kwargs)
                if parts is not NotImplemented:
                    return parts
            out = func(*args, **kwargs)
            watch.operator(func, args, kwargs, out)
            return out

    with Mode():
        yield


@contextmanager
def without_fast_path() -> Iterator[None]:
    """torch's transformer fast path is one fused operator that nobody counts."""
    import torch

    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def aliases(func: Any) -> bool:
    """Whether every output is a view of an input, or the input itself. A weight's view has a storage of its own here:
    that of the weight's copy without values.
    """
    return all(returned.alias_info is not None for returned in func._schema.returns)


def macs_of(func: Any, args: Any, kwargs: Any, out: Any) -> int:
    from torch.utils.flop_counter import flop_registry

    formula = flop_registry.get(func._overloadpacket)
    return int(formula(*args, **kwargs, out_val=out)) // 2 if formula else 0


def tensors_in(nested: Any) -> list[torch.Tensor]:
    """The tensors of nested tuples, lists and dicts, in order; other leaves are left out."""
    import torch
    from torch.utils._pytree import tree_leaves

    return [leaf for leaf in tree_leaves(nested) if isinstance(leaf, torch.Tensor)]


def size_of(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def storage_key(tensor: torch.Tensor) -> int:
    from torch.multiprocessing.reductions import StorageWeakRef

    return int(StorageWeakRef(tensor.untyped_storage()).cdata)
