"""The four drawings of a profile on a figure; each says False where the profile has not the numbers."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from backbench.profiling.counted import shape_text
from backbench.profiling.document import Profile
from backbench.profiling.numbers import parts_of
from backbench.profiling.pages.growth_tables import precision_of
from backbench.profiling.roofline import Placed, placed, ridge
from backbench.profiling.scaling import pixel_fit, time_fit
from backbench.profiling.swept import Point
from backbench.report.units import digits, plain_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#0a0b0c"  # replaced by the page's own colour in SVG
BLUE, GREEN, ORANGE, GREY = "#3b7dd8", "#0b8f63", "#d07a00", "#8a8f98"
MOST_BARS = 30
MOST_LABELS = 12
NARROWEST = 0.025  # of the axis: a part that is narrower has no room for its name


def title(axes: Axes, profile: Profile, words: str) -> None:
    axes.set_title(
        f"{words}: {plain_name(profile.cell.model, 60)} at {shape_text(profile.input)}", fontsize=10, loc="left"
    )


def logarithmic(axes: Axes) -> None:
    """Both axes, with plain numbers at 1, 2 and 5 times the powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
        axis.set_tick_params(labelsize=7)


def block_bars(profile: Profile, figure: Figure) -> bool:
    """Seconds of each block in order; the longest ones where there are too many, the others as one bar."""
    found = parts_of(profile)
    if found is None:
        return False
    kept = {part.path for part in sorted(found.blocks, key=lambda part: -part.seconds)[:MOST_BARS]}
    bars = [(part.path or "(the network)", part.seconds) for part in found.blocks if part.path in kept]
    rest = sum(part.seconds for part in found.blocks if part.path not in kept)
    bars += [(f"{len(found.blocks) - len(kept)} other blocks", rest)] if rest else []
    bars.append(("remainder (between blocks)", found.remainder))
    figure.set_size_inches(8.4, 1.2 + 0.2 * len(bars))
    axes = figure.add_subplot()
    colours = [BLUE] * (len(bars) - 1) + [GREY]
    drawn = axes.barh([plain_name(name, 40) for name, _ in bars], [seconds * 1e3 for _, seconds in bars], color=colours)
    shares = [f"{seconds / found.total:.1%}" for _, seconds in bars]
    axes.bar_label(drawn, shares, padding=3, fontsize=7, color=INK)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel(f"ms of a pass of {digits(found.total * 1e3)} ms (means, the parts add up)")
    title(axes, profile, "Time by block")
    return True


def memory_timeline(profile: Profile, figure: Figure) -> bool:
    """Live bytes after each operator, the blocks they belong to, and the peak."""
    if profile.structure is None:
        return False
    steps = profile.structure.steps
    live = np.asarray([step.live for step in steps]) / 1e6
    axes = figure.add_subplot()
    axes.fill_between(range(len(live)), live, step="mid", color=BLUE, alpha=0.35, linewidth=0)
    axes.step(range(len(live)), live, where="mid", color=BLUE, linewidth=1)
    peak = int(np.argmax(live))
    axes.plot([peak], [live[peak]], "o", color=ORANGE)
    place = f"{steps[peak].path or 'the network'} ({steps[peak].name.removeprefix('aten.')})"
    side = "right" if peak > len(live) / 2 else "left"
    axes.annotate(
        f"peak {digits(live[peak])} MB: {plain_name(place, 50)}",
        (peak, live[peak]),
        xytext=(-8 if side == "right" else 8, 10),
        textcoords="offset points",
        ha=side,
        color=INK,
    )
    axes.set_ylim(0, live[peak] * 1.18)
    boundaries(axes, [step.path for step in steps])
    axes.set_ylabel("MB alive (10⁶ bytes), weights not included")
    axes.set_xlabel("operators in order; the names are the network's parts")
    title(axes, profile, "Memory over the pass")
    return True


def boundaries(axes: Axes, paths: list[str]) -> None:
    """The children of the network along the axis, as many names as there is room for."""
    tops = [path.partition(".")[0] for path in paths]
    starts = [place for place, top in enumerate(tops) if top and (place == 0 or tops[place - 1] != top)]
    widths = {
        start: (starts[number + 1] if number + 1 < len(starts) else len(tops)) - start
        for number, start in enumerate(starts)
    }
    wide = [start for start in starts if widths[start] >= NARROWEST * len(tops)]
    named = sorted(wide, key=lambda start: -widths[start])[:MOST_LABELS]
    for start in starts:
        axes.axvline(start, color=GREY, linewidth=0.4, alpha=0.5)
    axes.set_xticks([start + widths[start] / 2 for start in sorted(named)])
    axes.set_xticklabels([plain_name(tops[start], 16) for start in sorted(named)], rotation=30, ha="right", fontsize=7)


def roofline(profile: Profile, figure: Figure) -> bool:
    """FLOP/s against FLOPs a byte, the roofs of every precision, each block a point as large as its time."""
    precision = precision_of(profile)
    if profile.ceilings is None or profile.blocks is None or profile.structure is None:
        return False
    if precision not in profile.ceilings.compute:
        return False
    points = [each for each in placed(profile.structure, profile.blocks, profile.ceilings, precision) if each.flops]
    if not points:
        return False
    axes = figure.add_subplot()
    span = [each.intensity for each in points] + [ridge(profile.ceilings, name) for name in profile.ceilings.compute]
    across = np.geomspace(min(span) / 3, max(span) * 4, 200)
    for name, rate in profile.ceilings.compute.items():
        height = np.minimum(rate, profile.ceilings.bytes_per_second * across) / 1e9
        own = name == precision
        axes.plot(
            across, height, color=INK if own else GREY, linewidth=1.4 if own else 0.9, linestyle="-" if own else "--"
        )
        axes.annotate(
            f"{name} {digits(rate / 1e9, 3)} GFLOP/s",
            (across[-1], rate / 1e9),
            ha="right",
            va="bottom",
            fontsize=7,
            color=INK,
        )
    scatter(axes, points, median(profile.blocks.instrumented))
    logarithmic(axes)
    axes.set_xlabel("FLOPs a byte that its operators read and write")
    axes.set_ylabel("GFLOP/s")
    title(axes, profile, f"Roofline, {precision}")
    axes.legend(loc="lower right", fontsize=7)
    return True


def scatter(axes: Axes, points: list[Placed], total: float) -> None:
    """Area by share of time; the longest are named."""
    for bound, colour in (("compute", GREEN), ("memory", ORANGE)):
        some = [each for each in points if each.bound == bound]
        if not some:
            continue
        axes.scatter(
            [each.intensity for each in some],
            [each.rate / 1e9 for each in some],
            s=[14 + 900 * each.seconds / total for each in some],
            color=colour,
            alpha=0.65,
            linewidth=0,
            label=f"{bound}-bound",
        )
    for number, each in enumerate(apart(sorted(points, key=lambda each: -each.seconds))[:6]):
        axes.annotate(
            plain_name(each.path, 24), (each.intensity, each.rate / 1e9), fontsize=7, color=INK,
            xytext=(6, 6 if number % 2 else -10), textcoords="offset points",
        )  # fmt: skip


def apart(points: list[Placed]) -> list[Placed]:
    """The points without those that lie on an earlier one: two names in one place can't be read."""
    kept: list[Placed] = []
    for point in points:
        if not any(near(point.intensity, one.intensity) and near(point.rate, one.rate) for one in kept):
            kept.append(point)
    return kept


def near(a: float, b: float) -> bool:
    return max(a, b) < 1.25 * min(a, b)


def sweeps(profile: Profile, figure: Figure) -> bool:
    """Time and memory against pixels, both sweeps, with their fits and where memory is predicted to end."""
    found = profile.scaling
    if found is None or not any(point.seconds for point in (*found.batch, *found.resolution)):
        return False
    left, right = figure.subplots(1, 2)
    for name, points, colour in (("batch", found.batch, BLUE), ("resolution", found.resolution, GREEN)):
        run = [point for point in points if point.seconds]
        draw_sweep(left, run, [median(point.seconds) * 1e3 for point in run], name, colour, time_curve(run))
        risen = [point for point in run if point.rise]
        draw_sweep(right, risen, [(point.rise or 0) / 1e6 for point in risen], name, colour, memory_curve(risen))
    for axes, words in ((left, "ms a call"), (right, "MB that a process grows by")):
        logarithmic(axes)
        axes.set_xlabel("megapixels a call (batch × height × width)")
        axes.set_ylabel(words)
        axes.legend(fontsize=7)
    limits = [limit for limit in (found.batch_limit, found.resolution_limit) if limit and not limit.capped]
    if limits and profile.prediction:
        free = (limits[0].available - profile.prediction.baseline) / 1e6
        right.axhline(free, color=ORANGE, linewidth=1, linestyle="--")
        right.annotate("free memory", (right.get_xlim()[0], free), va="bottom", fontsize=7, color=INK)
    title(left, profile, "Growth")
    return True


def draw_sweep(
    axes: Axes, points: list[Point], values: list[float], name: str, colour: str, curve: Callable[[Any], Any] | None
) -> None:
    if not points:
        return
    across = np.asarray([point.pixels for point in points]) / 1e6
    axes.plot(across, values, "o", color=colour, label=name)
    if curve is not None:
        fine = np.geomspace(across.min(), across.max(), 60)
        axes.plot(fine, curve(fine * 1e6), color=colour, linewidth=1)


def time_curve(points: list[Point]) -> Callable[[Any], Any] | None:
    fit = time_fit(points)
    return (lambda pixels: fit.factor * pixels**fit.power * 1e3) if fit else None


def memory_curve(points: list[Point]) -> Callable[[Any], Any] | None:
    fit = pixel_fit(points)
    return (lambda pixels: np.maximum(fit.start + fit.slope * pixels, 1) / 1e6) if fit else None
