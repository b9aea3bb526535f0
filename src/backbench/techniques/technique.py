"""What a technique is: it makes another network, or another deployable file, out of the one it gets.

`stage` says where it works. `module`: before export, on the torch network. `graph`: after export, on the deployable
file.
It never changes what it was given, and it says what it did as plain data: the artefact's evidence holds those notes
beside what was measured of parent and child.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing
from backbench.registry import Part

if TYPE_CHECKING:
    from torch import nn


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


class Technique(Part):
    """A technique with its options; `apply` for stage `module`, `apply_file` for stage `graph`."""

    stage: ClassVar[Literal["module", "graph"]]
    trains: ClassVar[bool] = False  # whether its result depends on gradient steps

    def apply(self, model: nn.Module, context: Context) -> nn.Module:
        """Another network; `model` is left as it was."""
        raise TypeError(f"{self.__class__.__name__} works on the exported file")

    def apply_file(self, source: Path, target: Path, context: Context) -> None:
        """Reads the deployable file `source`, writes `target`."""
        raise TypeError(f"{self.__class__.__name__} works on the network before export")

    def rebuild(self, model: nn.Module, notes: dict[str, Any]) -> nn.Module:
        """The shape that `apply` gave, from its notes, so that stored weights fit a newly built network."""
        return model

    def resolve(self, runtime: str) -> Technique:
        """The same technique with its route for this runtime written down. Raises UsageError where there is none."""
        return self
