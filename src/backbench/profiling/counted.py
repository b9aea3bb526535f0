"""What is known of a network without timing it: its tree, its operators, its bytes, and what a call will need."""

from __future__ import annotations

from typing import Literal

from backbench.records.schema import Frozen

Shape = tuple[int, ...]
IMAGE = "image"  # a receptive field that is the whole image


class Module(Frozen):
    """One module of the tree; counts hold everything inside it. The network itself has the path ""."""

    path: str
    kind: str
    depth: int
    calls: int  # in one pass; 0: its parent used its weights and never called it
    outputs: tuple[Shape, ...]  # of the last call, dicts and tuples flattened
    parameters: int  # elements; a tensor that is shared counts once
    macs: int
    read: int  # bytes that its operators read, weights included…
    written: int  # …and wrote: what eager moves, operator by operator
    output_bytes: int
    receptive_field: tuple[int, int] | Literal["image"] | None = None  # height, width in pixels of the input
    also: tuple[str, ...] = ()  # other names of the same module


class Step(Frozen):
    """One operator in the order of execution, inside the module `path`; `live`: bytes of tensors alive when it ends."""

    name: str
    path: str
    macs: int
    read: int
    written: int
    live: int


class Structure(Frozen):
    """Counted without computing anything, unless `computed`: then the path depends on the values."""

    modules: tuple[Module, ...]
    steps: tuple[Step, ...]
    parameters: int
    weight_bytes: int
    buffer_bytes: int
    input_bytes: int
    computed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        return self.modules[0].macs

    @property
    def peak(self) -> Step:
        """Where most bytes are alive, input included and weights not."""
        return max(self.steps, key=lambda step: step.live)


class Prediction(Frozen):
    """Bytes that a call needs, told before it runs. `copies`: the largest operator's tensors once more, which its
    library may lay out anew.
    """

    baseline: int  # of a process that has imported everything and built nothing
    weights: int
    live: int
    copies: int
    available: int

    @property
    def least(self) -> int:
        return self.baseline + self.weights + self.live

    @property
    def most(self) -> int:
        return self.least + self.copies

    @property
    def fits(self) -> bool:
        return self.least <= self.available


def shape_text(shape: Shape) -> str:
    return "×".join(map(str, shape))
