"""backbench: which backbone, compressed how, run by which runtime.

The public names: `run`, `measure`, `evaluate`, `export`, `predict`, `train`, `write_report`, `Settings`, and the errors in
`backbench.errors`.
They are imported when they are first used, so that `import backbench` costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backbench.api import evaluate, export, measure, predict, run, train, write_report
    from backbench.settings import Settings

__version__ = "0.1.0"
__all__ = ["Settings", "evaluate", "export", "measure", "predict", "run", "train", "write_report"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'backbench' has no attribute {name!r}")
    return getattr(import_module("backbench.settings" if name == "Settings" else "backbench.api"), name)
