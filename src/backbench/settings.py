"""Where things are and what is allowed on this machine: never part of a cell, always passed along as data."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, Field


def default_cache() -> Path:
    return Path(os.environ.get("BACKBENCH_CACHE") or user_cache_path("backbench"))


def default_data_root() -> Path:
    return Path(os.environ.get("BACKBENCH_DATA") or default_cache() / "data")


class Settings(BaseModel):
    """`cache` holds artefacts, trained weights and decoded datasets; `data_root` the user's datasets; `artefact` is
    a deployable file that is measured in the place of a network that is built.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_root: Path = Field(default_factory=default_data_root)
    cache: Path = Field(default_factory=default_cache)
    download: bool = False
    allow_untrained: bool = False
    max_memory: int | None = None  # bytes that training may use; None: what the machine has
    deterministic: bool = False
    artefact: Path | None = None
