"""A network whose path depends on its input, and what must be asked of it instead of being traced.

A tracer follows the one path of its example, and a counter sees the MACs of that path: both are wrong for all others.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from torch import nn


class Routed(nn.Module):
    """Subclasses compile as they stand in TorchScript, and say the rest themselves."""

    def dearest_path(self) -> Counter[str]:
        """MACs of one image along the dearest path, by operator."""
        raise TypeError(f"{type(self).__name__} does not count its paths")

    def write_onnx(self, path: Path) -> None:
        """Writes the whole network as one graph. Raises BackbenchError where it can't be exported."""
        raise TypeError(f"{type(self).__name__} does not export itself")
