"""What the routes that work on an ONNX file share: its input, its operators, and libraries kept from talking."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

Shape = tuple[int | None, ...]


def input_of(path: Path) -> tuple[str, Shape]:
    """The name and the shape C × H × W of the graph's one input; None for a side of any length."""
    taken = graph_of(path).input[0]
    sides = taken.type.tensor_type.shape.dim[1:]
    return str(taken.name), tuple(side.dim_value if side.HasField("dim_value") else None for side in sides)


def operators_of(path: Path) -> set[str]:
    return {str(node.op_type) for node in graph_of(path).node}


def graph_of(path: Path) -> Any:
    """The main graph; weights that lie in a file beside it stay there."""
    import onnx

    return onnx.load(path, load_external_data=False).graph


@contextmanager
def quiet() -> Iterator[None]:
    """Quantizers log advice to the root logger and print progress bars; nothing of it concerns their caller."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        root.setLevel(level)
