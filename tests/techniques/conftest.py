from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from backbench.artefacts.artefact import Artefact
from prepared_artefacts import cell_of, prepared


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all workers of a parallel run: making an artefact is locked."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prepared"


@pytest.fixture(scope="session")
def artefact(shared_cache: Path) -> Callable[..., Artefact]:
    """`artefact("onnxruntime", technique=…, model=…)`"""
    return lambda *names, **fields: prepared(cell_of(*names, **fields), shared_cache)
