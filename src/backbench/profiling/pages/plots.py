"""The pictures of one profile: bars per block, live bytes over the operators, the roofline, the sweeps.

matplotlib, without a window system. PNG on white for files; SVG without a background for the page, its ink the colour
of the page's text, so that it reads in light and dark.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backbench.profiling.document import Profile
from backbench.profiling.pages.drawings import GREY, INK, block_bars, memory_timeline, roofline, sweeps
from backbench.registry import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS = {
    "font.size": 9, "font.family": "sans-serif", "svg.fonttype": "none", "svg.hashsalt": "backbench",
    "text.parse_math": False, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GREY,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "figure.constrained_layout.use": True, "svg.id": None,
}  # fmt: skip

Draw = Callable[[Profile, "Figure"], bool]


def pictures(profile: Profile) -> dict[str, tuple[bytes, str]]:
    """Name → (PNG, SVG) of every picture that the profile has numbers for."""
    require("the plots of a profile", "matplotlib", "torch")
    made = {name: (picture(profile, draw, png), picture(profile, draw, svg)) for name, draw in PICTURES.items()}
    return {name: (bitmap, drawn) for name, (bitmap, drawn) in made.items() if bitmap is not None and drawn is not None}


def picture(profile: Profile, draw: Draw, write: Callable[[Figure], Any]) -> Any:
    """None where the profile has not the numbers."""
    import matplotlib
    from matplotlib.figure import Figure

    known: Any = {key: value for key, value in SETTINGS.items() if key in matplotlib.rcParams}
    with matplotlib.rc_context(known):
        figure = Figure(figsize=(8.4, 4.2))
        return write(figure) if draw(profile, figure) else None


def png(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=130, facecolor="white")
    return target.getvalue()


def svg(figure: Figure) -> str:
    """The drawing alone, for a page: no prologue, transparent, the ink the page's."""
    target = io.StringIO()
    figure.savefig(target, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")


PICTURES: dict[str, Draw] = {
    "blocks": block_bars,
    "memory": memory_timeline,
    "roofline": roofline,
    "scaling": sweeps,
}
ALTERNATIVES = {
    "blocks": "Bars: milliseconds of each block and the remainder",
    "memory": "Live bytes after each operator, with the peak",
    "roofline": "Blocks under the machine's compute and memory ceilings",
    "scaling": "Time and memory against pixels with their fits",
}
