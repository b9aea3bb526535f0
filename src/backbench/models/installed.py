"""The names that the installed timm and torchvision know, read from their source files.

Importing timm or torchvision takes 8 to 11 seconds; reading the `@register_model` functions in their files takes a
tenth of one, so checking a study and `backbench list models` stay quick. A test holds the result against the libraries'
own lists.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from backbench.errors import MissingDependency

REGISTERED = re.compile(r"^@register_model\b.*?^def (\w+)\(", re.MULTILINE | re.DOTALL)
TAGGED = re.compile(r"""['"](\w+\.\w+)['"]\s*:\s*_\w*cfg\w*\(""")


@cache
def timm_names() -> tuple[str, ...]:
    """timm's architectures, without tags; none where timm is not installed."""
    return registered("timm")


@cache
def torchvision_names() -> tuple[str, ...]:
    """torchvision's classification networks, as backbench names them."""
    return tuple(f"torchvision:{name}" for name in registered("torchvision"))


@cache
def timm_tags() -> frozenset[str]:
    """`architecture.tag` of every published set of weights that timm's files name."""
    return frozenset(name for text in sources("timm") for name in TAGGED.findall(text))


def require_installed(library: str, name: str) -> None:
    """Raises MissingDependency where the network `name` needs a library that is not here."""
    if not sources(library):
        raise MissingDependency(f"model {name!r}", library, "torch")


def registered(library: str) -> tuple[str, ...]:
    return tuple(sorted(name for text in sources(library) for name in REGISTERED.findall(text)))


@cache
def sources(library: str) -> tuple[str, ...]:
    """The text of each file in the library's `models` folder; subfolders (detection, …) are other tasks."""
    spec = find_spec(library)
    if spec is None or not spec.submodule_search_locations:
        return ()
    folder = Path(spec.submodule_search_locations[0]) / "models"
    return tuple(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py")))
