"""What is tried: pairs of a runtime and a technique, from a YAML file, at several numbers of threads and batches."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from backbench.errors import SpecError, UsageError
from backbench.registry import complaint
from backbench.spec.cell import Chain
from backbench.spec.choice import Choice, chain_text
from backbench.spec.yaml_size import written_out


class Setting(BaseModel):
    """One way to run the network, the threads and the batch aside."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runtime: Choice
    technique: Chain = Field(default=())

    def __str__(self) -> str:
        return " · ".join((str(self.runtime), chain_text(self.technique)))


def read_space(path: Path | None = None) -> list[Setting]:
    """The settings of a file, or those that ship with the package. Raises UsageError or SpecError."""
    source = str(path or "tuning/space.yaml")
    try:
        text = path.read_text(encoding="utf-8") if path else files(__package__).joinpath("space.yaml").read_text()
        data = written_out(yaml.safe_load(text))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{source}: the settings can't be read: {' '.join(str(error).split())}") from None
    return settings_of(data, source)


def settings_of(data: Any, source: str) -> list[Setting]:
    """Each once, in the order given. Raises SpecError with every complaint."""
    try:
        found = TypeAdapter(list[Setting]).validate_python(data)
    except ValidationError as error:
        raise SpecError(source, [complaint(item, list(Setting.model_fields)) for item in error.errors()]) from None
    if not found:
        raise UsageError(f"{source}: no setting is named; a line is {{runtime: NAME, technique: CHAIN}}")
    return list({str(setting): setting for setting in found}.values())


def thread_counts(most: int) -> list[int]:
    """1, 2, 4, … and `most` itself."""
    powers = [2**power for power in range(most.bit_length()) if 2**power < most]
    return [*powers, most]
