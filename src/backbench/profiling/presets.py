"""Input sizes by name: batch × channels × height × width."""

from __future__ import annotations

from backbench.errors import UnknownName

PRESETS = {
    "cityscapes": (1, 3, 1024, 2048),
    "voc": (1, 3, 500, 334),
    "imagenet": (1, 3, 224, 224),
    "cifar": (1, 3, 32, 32),
}


def preset(name: str) -> str:
    """The size as a study writes it. Raises UnknownName."""
    if name not in PRESETS:
        raise UnknownName("preset", name, PRESETS)
    return "x".join(map(str, PRESETS[name]))
