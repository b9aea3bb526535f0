"""Writes low-power.ipynb from low_power.py, executed: `python docs/guide/make_notebook.py`.

The source is the .py file, in jupytext's percent format; the notebook is committed with its outputs, and a test holds
the two together and executes the notebook again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

GUIDE = Path(__file__).parent
SOURCE, NOTEBOOK = GUIDE / "low_power.py", GUIDE / "low-power.ipynb"


def source() -> Any:
    """The notebook of the source, without outputs. Ids of cells are their numbers, so that a change stays small."""
    import jupytext

    notebook = jupytext.read(SOURCE)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    notebook.metadata.pop("jupytext", None)
    return notebook


def executed() -> Any:
    """With outputs. Raises nbclient's CellExecutionError where a cell fails."""
    from nbclient import NotebookClient

    notebook = source()
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(GUIDE)}}).execute()
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("execution", None)
    return notebook


def main() -> None:
    import nbformat

    nbformat.write(executed(), NOTEBOOK)


if __name__ == "__main__":
    main()
