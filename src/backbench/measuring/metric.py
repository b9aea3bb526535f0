"""What a metric is: one file, one class, raw values in base units.

`stage` says where its values come from. `sample`: `measure` runs in the fresh process of each sample. `check`: the
accuracy, once per artefact and runtime options. `artefact`: what prepare wrote down; `read` takes it from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from backbench.artefacts.artefact import Artefact
from backbench.records.schema import Sample
from backbench.registry import Part

if TYPE_CHECKING:
    from backbench.measuring.bench import Bench


class Metric(Part):
    """A metric with its options, if it has any."""

    unit: ClassVar[str]
    stage: ClassVar[Literal["sample", "check", "artefact"]] = "sample"

    def measure(self, bench: Bench) -> list[Sample]:
        """The samples of this process. Raises Skip with the reason where there is nothing to read."""
        raise TypeError(f"{type(self).__name__} is not measured in a sample")

    def read(self, artefact: Artefact) -> float | None:
        """The value that prepare wrote down; None where it could not be told."""
        raise TypeError(f"{type(self).__name__} is not read from the artefact")
