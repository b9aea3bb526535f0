"""A user's own network: `package.module:function`, imported with the current directory on the path.

The function is called with those of num_classes, in_channels and input_size that it takes, and with the choice's
options; it returns a torch module.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from backbench.data.dataset import Dataset
from backbench.data.preprocessing import Preprocessing, native_preprocessing
from backbench.errors import UsageError, WeightsError
from backbench.models.source import Source, first_line
from backbench.registry import require
from backbench.spec.choice import Choice

if TYPE_CHECKING:
    from torch import nn


class Reference(Source):
    """Functions that a user wrote."""

    def check(self, choice: Choice) -> None:
        arguments(function_of(choice.name), choice, {})

    def build(
        self, choice: Choice, num_classes: int, in_channels: int, input_size: tuple[int, int], pretrained: bool
    ) -> nn.Module:
        if pretrained:
            raise WeightsError(f"{choice.name!r} has no published weights: give a weights file, or load them in it")
        torch = require(f"model {choice.name!r}", "torch", "torch")
        function = function_of(choice.name)
        given = {"num_classes": num_classes, "in_channels": in_channels, "input_size": input_size}
        with current_directory():
            model = function(**arguments(function, choice, given))
        if not isinstance(model, torch.nn.Module):
            raise UsageError(f"{choice.name!r} returned a {type(model).__name__}; it must return a torch.nn.Module")
        made = cast("nn.Module", model)
        settle(made, choice.name, (in_channels, *input_size))
        return made

    def preprocessing(self, choice: Choice, dataset: Dataset) -> Preprocessing:
        return native_preprocessing(dataset)


def settle(model: nn.Module, name: str, shape: tuple[int, int, int]) -> None:
    """Gives lazy layers their sizes: one pass of zeros of C × H × W. Raises UsageError where it fails."""
    import torch

    if not any(torch.nn.parameter.is_lazy(weight) for weight in (*model.parameters(), *model.buffers())):
        return
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(2, *shape))
    except Exception as error:  # the user's code, which may raise anything
        raise UsageError(
            f"model {name!r}: its lazy layers get no sizes, for it fails on {'×'.join(map(str, shape))} images: "
            f"{type(error).__name__}: {first_line(error)}"
        ) from error


def function_of(name: str) -> Callable[..., Any]:
    """The function. Raises UsageError where its module can't be imported or has no such function."""
    module_name, _, attribute = name.partition(":")
    try:
        with current_directory():
            module = import_module(module_name)
    except Exception as error:  # importing runs the user's code, which may raise anything
        why = f"{type(error).__name__}: {first_line(error)}"
        raise UsageError(f"model {name!r}: importing {module_name!r} failed: {why}") from error
    found = vars(module).get(attribute)
    if not callable(found):
        near = hint(attribute, vars(module))
        raise UsageError(f"model {name!r}: {module_name!r} has no function {attribute!r}{near}")
    return found  # type: ignore[no-any-return]


def hint(attribute: str, members: dict[str, Any]) -> str:
    close = get_close_matches(attribute, [name for name, value in members.items() if callable(value)], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def arguments(function: Callable[..., Any], choice: Choice, given: dict[str, Any]) -> dict[str, Any]:
    """What of `given` the function takes, and the options. Raises UsageError for an option that it doesn't take."""
    parameters = inspect.signature(function).parameters
    takes_all = any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parameters.values())
    wrong = [key for key in choice.options if not takes_all and key not in parameters]
    if wrong:
        allowed = ", ".join(parameters) or "none"
        raise UsageError(f"model {choice.name!r} takes no option {wrong[0]!r}; allowed: {allowed}")
    return {key: value for key, value in given.items() if takes_all or key in parameters} | choice.options


@contextmanager
def current_directory() -> Iterator[None]:
    """The current directory first on the import path, as `python -m` has it, for as long as the user's code runs."""
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
