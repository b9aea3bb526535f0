"""What a technique is: it makes another network, or another deployable file, out of the one it gets.

`stage` says where it works. `module`: before export, on the torch network. `graph`: after export, on the deployable
file. It never changes what it was given, and it says what it did as plain data: the artefact's evidence holds those
notes beside what was measured of parent and child.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.registry import Part
from backbench.settings import Settings

if TYPE_CHECKING:
    from torch import nn

Stage = Literal["module", "graph"]


@dataclass(frozen=True)
class Context:
    """What a technique may use besides the network: data of the *train* part, the seed, a place for notes."""

    dataset: Dataset
    preprocessing: Preprocessing
    seed: int
    device: str = "cpu"
    threads: int = 1
    progress: Callable[[str], None] = lambda text: None
    notes: dict[str, Any] = field(default_factory=dict)
    settings: Settings = field(
        default_factory=Settings
    )  # where trained results are kept, how much memory they may take
    original: nn.Module | None = None  # the network before the chain's first technique
    earlier: tuple[dict[str, Any], ...] = ()  # the evidence of the chain's steps before this one

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H, W of an image"""
        return (self.preprocessing.channels, *self.preprocessing.size)


class Technique(Part):
    """A technique with its options; `apply` for stage `module`, `apply_file` for stage `graph`."""

    stage: ClassVar[Stage]
    trains: ClassVar[bool] = False  # whether its result depends on gradient steps
    masks: ClassVar[bool] = False  # sets weights to zero and removes none
    reshapes: ClassVar[bool] = (
        False  # gives weights other shapes: zeros that were set before are no longer what was asked
    )
    lowers_precision: ClassVar[bool] = False  # rounds weights: nothing that changes the network can come after it
    tolerance: ClassVar[str | None] = None  # the gate's row for what it makes; None: it changes no row
    followed_by: ClassVar[str | None] = None  # the technique that finishes its work; a chain is completed with it

    def works_on(self) -> Stage:
        """Where it works with these options: for some techniques the route decides it."""
        return self.stage

    def check(self) -> None:
        """Raises UsageError for what its options only name and is not there; before anything runs, without torch."""

    def content(self) -> dict[str, Any]:
        """What its options only name (a recipe, a file), by content: part of the artefact's identity."""
        return {}

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        """Another network; `model` is left as it was."""
        raise TypeError(f"{self.__class__.__name__} works on the exported file")

    def apply_file(self, source: Path, target: Path, context: Context) -> None:
        """Reads the deployable file `source`, writes `target`."""
        raise TypeError(f"{self.__class__.__name__} works on the network before export")

    def rebuild(self, model: nn.Module, notes: dict[str, Any]) -> nn.Module:
        """The shape that `apply` gave, from its notes, so that stored weights fit a newly built network.

        `model` belongs to the caller no more: it may be changed in place.
        """
        return model

    def resolve(self, runtime: str) -> Technique:
        """The same technique with its route for this runtime written down. Raises UsageError where there is none."""
        return self
