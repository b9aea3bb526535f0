"""A study of small networks, profiled in real processes; those import `small_networks` from the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backbench.profiling.document import Profile
from backbench.profiling.parts import Wanted
from backbench.profiling.profile import profile_study
from backbench.settings import Settings
from backbench.spec.study import study_of

NETWORKS = ("twice", "several", "depends")  # each hard in one way
FIXED = {"dataset": "random:n=2,classes=10", "weights": "random", "threads": 1, "protocol": "screen"}


def profiled(out: Path, *, max_memory: int | None = None, wanted: Wanted | None = None, **fields: Any) -> list[Profile]:
    models = [f"small_networks:{name}" for name in fields.pop("model")]
    fixed = {**FIXED, "input": "1x3x64x64", **fields}
    study = study_of({"name": "hard", "fixed": fixed, "axes": {"model": models}})
    settings = Settings(cache=out / "cache", max_memory=max_memory)
    return profile_study(study, out, settings, wanted or Wanted(skip=frozenset({"roofline", "scaling"})))
