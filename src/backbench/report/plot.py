"""Accuracy against a cost as an SVG: numbered points with their intervals, the front joined, the cost logarithmic.

Drawn here, so that a report needs no plotting package, opens without a script and prints; `standalone` is a file of
its own with its colours inside, otherwise the page that it stands in colours it by class and makes its points links.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from backbench.report.axes import LATENCY, Axis
from backbench.report.pareto import Interval, Point, Standing
from backbench.report.section import Section
from backbench.report.units import digits, percent, plain_name

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 30, 52
FONT = 'font-family="system-ui, sans-serif" font-size="12"'
CLASSES: Mapping[Standing, str] = {"front": "front", "~": "near", "dominated": "dominated"}
WORDS: Mapping[Standing, str] = {"front": "front", "~": "can't be told from the front", "dominated": "dominated"}
MAX_POINTS = 500
MAX_NUMBERED = 60  # points whose numbers can still be read
STYLE = (
    "<style>.back{fill:#fff}.axis{stroke:#444}.grid{stroke:#e3e5e8}.line{fill:none;stroke:#0b6e4f}text{fill:#222}"
    ".front{fill:#0b6e4f;stroke:#0b6e4f}.near{fill:#b26a00;stroke:#b26a00}.dominated{fill:#8a8f98;stroke:#8a8f98}"
    "text{stroke:none}</style>"
)
Scale = Callable[[float], float]


@dataclass(frozen=True)
class Drawing:
    """One plot: what is drawn where."""

    section: Section
    axis: Axis
    points: tuple[Point, ...]
    standings: Mapping[int, Standing]
    across: Scale  # of the cost's logarithm
    up: Scale
    standalone: bool

    def x(self, point: Point) -> float:
        return self.across(math.log10(point.cost.value))

    def y(self, point: Point) -> float:
        return self.up(point.accuracy.value)


def svg(section: Section, axis: Axis = LATENCY, standalone: bool = True) -> str | None:
    """The plot of one section, or None where fewer than two rows have both numbers."""
    known = [point for point in section.points_on(axis) if point.cost.value > 0]
    if len(known) < 2:
        return None
    ranked = section.standings_on(axis)
    points = chosen(known, ranked)
    across = scale([math.log10(point.cost.value) for point in points], LEFT, WIDTH - RIGHT, pad=0.08)
    up = scale(spread([point.accuracy for point in points]), HEIGHT - BOTTOM, TOP, pad=0.06)
    drawing = Drawing(section, axis, tuple(points), ranked, across, up, standalone)
    parts = [
        head(drawing, len(known)),
        *axes(drawing),
        *front_line(drawing),
        *(drawn for point in reversed(points) for drawn in mark(drawing, point)),  # the front on top
        *(legend(drawing) if standalone else ()),  # a page has its own, which wraps on a phone
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def chosen(points: Sequence[Point], ranked: Mapping[int, Standing]) -> list[Point]:
    """At most 500: the front first, then what can't be told from it, then the others from all over the range."""
    order: dict[Standing, int] = {"front": 0, "~": 1, "dominated": 2}
    ordered = sorted(points, key=lambda point: (order[ranked[point.number]], point.cost.value, point.number))
    if len(ordered) <= MAX_POINTS:
        return ordered
    first = [point for point in ordered if ranked[point.number] == "front"][:MAX_POINTS]
    rest, room = ordered[len(first) :], MAX_POINTS - len(first)
    return first + [rest[place * len(rest) // room] for place in range(room)]


def head(drawing: Drawing, known: int) -> str:
    shown = "" if known == len(drawing.points) else f" ({len(drawing.points)} of {known:,} points)"
    title = escape(f"Accuracy against {drawing.axis.title}: {drawing.section.group.title}{shown}")
    view = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    if not drawing.standalone:
        return f'<svg {view} role="group" class="plot" aria-label="{title}">'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {view} role="img" {FONT}>\n<title>{title}</title>'
    return f'{svg}\n{STYLE}\n<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>'


def scale(values: Sequence[float], start: float, end: float, pad: float) -> Scale:
    """From a value to its place, with a margin of `pad` of the range on both sides."""
    low, high = min(values), max(values)
    margin = (high - low) * pad or 0.05
    low, high = low - margin, high + margin
    return lambda value: start + (min(max(value, low), high) - low) / (high - low) * (end - start)


def spread(intervals: Sequence[Interval]) -> list[float]:
    return [bound for interval in intervals for bound in (interval.low, interval.high)]


def axes(drawing: Drawing) -> list[str]:
    bottom, right, unit = HEIGHT - BOTTOM, WIDTH - RIGHT, drawing.axis.scale
    drawn = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}" fill="none"/>']
    for value in ticks_log([point.cost.value * unit for point in drawing.points]):
        x = drawing.across(math.log10(value / unit))
        drawn.append(f'<path class="axis" d="M{x:.1f} {bottom}v5"/>' + text(x, bottom + 19, tick(value), "middle"))
    for share in ticks(spread([point.accuracy for point in drawing.points])):
        y = drawing.up(share)
        drawn.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>')
        drawn.append(text(LEFT - 8, y + 4, f"{share * 100:g}", "end"))
    title = f"{drawing.axis.title}, {drawing.axis.unit} (logarithmic)"
    drawn.append(text((LEFT + right) / 2, HEIGHT - 12, title, "middle"))
    return [*drawn, text(LEFT, TOP - 12, "accuracy, %", "start")]


def tick(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def ticks(values: Sequence[float]) -> list[float]:
    """Round shares inside the range, about five of them."""
    low, high = min(values), max(values)
    rough = max(high - low, 1e-6) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(place * step, 10) for place in range(first, math.floor(high / step + 1e-9) + 1)]


def ticks_log(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten from below the least to above the most, and inside the plot; else the ends."""
    low, high = min(values), max(values)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    inside = [value for value in found if low <= value <= high]
    return inside if 2 <= len(inside) <= 10 else sorted({low, high})


def front_line(drawing: Drawing) -> list[str]:
    """Steps: what accuracy is to be had within a cost."""
    front = [each for each in drawing.points if drawing.standings[each.number] == "front"]
    if len(front) < 2:
        return []
    first, *others = sorted(front, key=lambda each: each.cost.value)
    path = f"M{drawing.x(first):.1f} {drawing.y(first):.1f}"
    path += "".join(f"H{drawing.x(each):.1f}V{drawing.y(each):.1f}" for each in others)
    return [f'<path class="line" d="{path}" fill="none" stroke-dasharray="4 3"/>']


def mark(drawing: Drawing, point: Point) -> list[str]:
    """Both intervals, the point, its number; the name shows on hovering."""
    x, y = drawing.x(point), drawing.y(point)
    low = drawing.across(math.log10(point.cost.low)) if point.cost.low > 0 else LEFT
    high = drawing.across(math.log10(point.cost.high)) if math.isfinite(point.cost.high) else WIDTH - RIGHT
    bars = f"M{low:.1f} {y:.1f}H{high:.1f}M{x:.1f} {drawing.up(point.accuracy.low):.1f}"
    bars += f"V{drawing.up(point.accuracy.high):.1f}"
    standing = drawing.standings[point.number]
    numbered = len(drawing.points) <= MAX_NUMBERED or standing == "front"
    return [
        opening(drawing, point, CLASSES[standing]),
        f'<path d="{bars}" stroke-opacity="0.45"/><circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>',
        (text(x + 7, y - 7, str(point.number), "start") if numbered else "") + closing(drawing),
    ]


def opening(drawing: Drawing, point: Point, name: str) -> str:
    """A group with a title, or a link that a script and a keyboard can find."""
    if drawing.standalone:
        return f'<g class="{name}"><title>{escape(called(drawing, point))}</title>'
    said = escape(f"{called(drawing, point)}: {figures(drawing, point)}")
    return f'<a class="point {name}" href="#cell-{point.number}" data-row="{point.number}" aria-label="{said}">'


def closing(drawing: Drawing) -> str:
    return "</g>" if drawing.standalone else "</a>"


def called(drawing: Drawing, point: Point) -> str:
    row = drawing.section.by_number[point.number]
    return plain_name(f"#{point.number} {drawing.section.names.full(row)}", 200)


def figures(drawing: Drawing, point: Point) -> str:
    """`1.234 ms, 97.20 % [96.9, 97.5], front`."""
    share = point.accuracy
    interval = f"[{percent(share.low, 1)}, {percent(share.high, 1)}]"
    cost = f"{digits(point.cost.value * drawing.axis.scale)} {drawing.axis.unit}"
    return f"{cost}, {percent(share.value)} % {interval}, {WORDS[drawing.standings[point.number]]}"


def shown_standings(ranked: Mapping[int, Standing]) -> list[Standing]:
    found = set(ranked.values())
    return [each for each in CLASSES if each in found]


def legend(drawing: Drawing) -> list[str]:
    drawn, x = [], WIDTH - RIGHT
    for each in reversed(shown_standings(drawing.standings)):
        x -= 14 + 7 * len(WORDS[each])
        dot = f'<circle class="{CLASSES[each]}" cx="{x:.0f}" cy="14" r="4.5"/>'
        drawn.append(dot + text(x + 9, 18, WORDS[each], "start"))
        x -= 14
    return drawn


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
