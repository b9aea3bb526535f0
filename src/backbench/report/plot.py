"""Accuracy against latency as an SVG of its own: numbered points with their intervals, the front joined.

The latency axis is logarithmic. Written by hand, so that a report needs no plotting package and the file is readable
as text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from backbench.report.pareto import Interval, Point
from backbench.report.section import Section
from backbench.report.units import plain_name

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 30, 52
FONT = 'font-family="system-ui, sans-serif" font-size="12"'
COLOURS = {"front": "#0b6e4f", "~": "#b26a00", "dominated": "#8a8f98"}
WORDS = {"front": "front", "~": "can't be told from the front", "dominated": "dominated"}
Scale = Callable[[float], float]


def svg(section: Section) -> str | None:
    """The plot of one section, or None where fewer than two rows have both numbers."""
    points = [point for point in section.points if point.latency.value > 0]
    if len(points) < 2:
        return None
    across = scale([math.log10(point.latency.value) for point in points], LEFT, WIDTH - RIGHT, pad=0.08)
    up = scale(spread([point.accuracy for point in points]), HEIGHT - BOTTOM, TOP, pad=0.06)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" {FONT}>',
        f"<title>{escape(f'Accuracy against latency: {section.group.title}')}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *axes(points, across, up),
        *front_line(section, points, across, up),
        *(drawn for point in points for drawn in mark(section, point, across, up)),
        *legend(section),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def scale(values: Sequence[float], start: float, end: float, pad: float) -> Scale:
    """From a value to its place, with a margin of `pad` of the range on both sides."""
    low, high = min(values), max(values)
    margin = (high - low) * pad or 0.05
    low, high = low - margin, high + margin
    return lambda value: start + (min(max(value, low), high) - low) / (high - low) * (end - start)


def spread(intervals: Sequence[Interval]) -> list[float]:
    return [bound for interval in intervals for bound in (interval.low, interval.high)]


def axes(points: Sequence[Point], across: Scale, up: Scale) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    drawn = [f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#444"/>']
    for value in ticks_log([point.latency.value * 1e3 for point in points]):
        x = across(math.log10(value / 1e3))
        drawn.append(f'<path d="M{x:.1f} {bottom}v5" stroke="#444"/>' + text(x, bottom + 19, f"{value:.3g}", "middle"))
    for share in ticks(spread([point.accuracy for point in points])):
        y = up(share)
        drawn.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#e3e5e8"/>')
        drawn.append(text(LEFT - 8, y + 4, f"{share * 100:g}", "end"))
    drawn.append(text((LEFT + right) / 2, HEIGHT - 12, "latency, ms (logarithmic)", "middle"))
    return [*drawn, text(LEFT, TOP - 12, "accuracy, %", "start")]


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


def front_line(section: Section, points: Sequence[Point], across: Scale, up: Scale) -> list[str]:
    """Steps: what accuracy is to be had within a latency."""
    front = sorted(
        (each for each in points if section.standings[each.number] == "front"), key=lambda each: each.latency.value
    )
    if len(front) < 2:
        return []
    path = f"M{across(math.log10(front[0].latency.value)):.1f} {up(front[0].accuracy.value):.1f}"
    path += "".join(
        f"H{across(math.log10(each.latency.value)):.1f}V{up(each.accuracy.value):.1f}" for each in front[1:]
    )
    return [f'<path d="{path}" fill="none" stroke="{COLOURS["front"]}" stroke-dasharray="4 3"/>']


def mark(section: Section, point: Point, across: Scale, up: Scale) -> list[str]:
    """Both intervals, the point, its number; the name shows on hovering."""
    row = next(row for row in section.rows if row.number == point.number)
    colour = COLOURS[section.standings[point.number]]
    x, y = across(math.log10(point.latency.value)), up(point.accuracy.value)
    low = across(math.log10(point.latency.low)) if point.latency.low > 0 else LEFT
    high = across(math.log10(point.latency.high)) if math.isfinite(point.latency.high) else WIDTH - RIGHT
    bars = f"M{low:.1f} {y:.1f}H{high:.1f}M{x:.1f} {up(point.accuracy.low):.1f}V{up(point.accuracy.high):.1f}"
    name = escape(plain_name(f"#{point.number} {section.names.full(row)}", 200))
    return [
        f'<g><title>{name}</title><path d="{bars}" stroke="{colour}" stroke-opacity="0.45"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>',
        f"{text(x + 7, y - 7, str(point.number), 'start')}</g>",
    ]


def legend(section: Section) -> list[str]:
    shown = [each for each in COLOURS if each in set(section.standings.values())]
    drawn, x = [], WIDTH - RIGHT
    for each in reversed(shown):
        x -= 14 + 7 * len(WORDS[each])
        drawn.append(
            f'<circle cx="{x:.0f}" cy="14" r="4.5" fill="{COLOURS[each]}"/>' + text(x + 9, 18, WORDS[each], "start")
        )
        x -= 14
    return drawn


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{escape(words)}</text>'
