"""The guide's notebook is its source, and every claim in it holds when it is executed here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guide"
NEEDED = ("jupytext", "nbclient", "nbformat", "ipykernel")

pytestmark = [
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason="the notebook's packages are not installed",
    )
]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_notebook", GUIDE / "make_notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_committed_notebook_is_its_source(maker: ModuleType) -> None:
    import nbformat

    committed = nbformat.read(GUIDE / "low-power.ipynb", as_version=4)
    assert [(cell.cell_type, cell.source) for cell in committed.cells] == [
        (cell.cell_type, cell.source) for cell in maker.source().cells
    ], "python docs/guide/make_notebook.py"
    outputs = [output for cell in committed.cells for output in cell.get("outputs", [])]
    assert outputs, "it is committed with its outputs"
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_every_claim_holds_when_it_is_executed(maker: ModuleType) -> None:
    """Its cells assert what their text says; one that fails raises here."""
    notebook = maker.executed()
    tables = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/markdown" in output.get("data", {})
    ]
    assert len(tables) == 7
    assert all(output["data"]["text/markdown"].count("\n") >= 2 for output in tables)
