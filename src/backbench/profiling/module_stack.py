"""Which module is running: hooks on the modules of a tree down to a depth, and off again whatever happens.

Modules are named by their first path. A module that is registered twice is one module: it is hooked once, and its
other paths are told apart by nobody but its author. One that calls itself, or is called from several places, is
entered as often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

ROOT = ""
Enter = Callable[[str], None]
Leave = Callable[[str, Any], None]


def modules_to(model: nn.Module, depth: int | None = None) -> dict[str, nn.Module]:
    """Path → module in the order of registration, the network itself (path "") included; None: all of them."""
    return {path: module for path, module in model.named_modules() if depth is None or level(path) <= depth}


def level(path: str) -> int:
    """0 for the network itself, 1 for its children."""
    return path.count(".") + 1 if path else 0


def aliases(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """The first path of each module that has several → the others."""
    paths: dict[int, list[str]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        paths.setdefault(id(module), []).append(path)
    return {first: tuple(rest) for first, *rest in paths.values() if rest}


@contextmanager
def hooked(modules: dict[str, nn.Module], enter: Enter, leave: Leave) -> Iterator[None]:
    """`enter(path)` before each forward, `leave(path, output)` behind it; every hook is removed at the end."""
    handles = []
    try:
        for path, module in modules.items():
            handles.append(module.register_forward_pre_hook(entering(path, enter), prepend=True))
            handles.append(module.register_forward_hook(leaving(path, leave)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def entering(path: str, enter: Enter) -> Callable[..., None]:
    def hook(module: nn.Module, arguments: Any) -> None:
        enter(path)

    return hook


def leaving(path: str, leave: Leave) -> Callable[..., None]:
    def hook(module: nn.Module, arguments: Any, output: Any) -> None:
        leave(path, output)

    return hook


def hooks_on(model: nn.Module) -> int:
    """How many forward hooks a network holds."""
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())
