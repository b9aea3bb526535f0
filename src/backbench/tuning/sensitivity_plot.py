"""Sensitivity as a picture: a row for each layer in the network's order, a column for each setting, the loss as colour and number.

An SVG of its own, so that it needs no plotting package and can be read as text. Hovering over a field shows its interval.
"""

from __future__ import annotations

from html import escape

from backbench.tuning.sensitivity import Point, Sensitivity

LINE, COLUMN, TOP, LEFT_CHAR = 18, 84, 62, 6.6
FONT = 'font-family="system-ui, sans-serif" font-size="12"'
WORST = (178, 24, 43)  # the colour of the largest loss; none is white, and a gain is white too
GREY = "#e3e5e8"  # could not be compressed so


def svg(found: Sensitivity) -> str:
    """The whole picture."""
    rows, settings = found.rows(), found.settings
    left = max((len(layer) for layer, _ in rows), default=4) * LEFT_CHAR + 20
    width, height = left + COLUMN * len(settings) + 20, TOP + LINE * len(rows) + 20
    largest = max((-(point.pp or 0.0) for point in found.points), default=0.0)
    title = f"{found.model}, {found.technique}: accuracy lost by one layer alone"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" {FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width:.0f}" height="{height}" fill="#ffffff"/>',
        text(10, 18, title, "start"),
        text(10, 34, f"percentage points on {found.n} validation images of {found.dataset}, without training", "start"),
        *(text(left + COLUMN * (place + 0.5), TOP - 8, name, "middle") for place, name in enumerate(settings)),
    ]
    for line, (layer, points) in enumerate(rows):
        top = TOP + LINE * line
        parts.append(text(left - 8, top + 13, layer, "end"))
        for place, name in enumerate(settings):
            if name in points:
                parts += field(points[name], left + COLUMN * place, top, largest)
    return "\n".join([*parts, "</svg>"]) + "\n"


def field(point: Point, x: float, y: float, largest: float) -> list[str]:
    colour, label = GREY, "–"
    if point.pp is not None:
        colour, label = shade(-point.pp / largest if largest > 0 else 0.0), f"{point.pp:+.1f}"
    return [
        f"<g><title>{escape(described(point))}</title>",
        f'<rect x="{x:.1f}" y="{y}" width="{COLUMN - 2}" height="{LINE - 2}" fill="{colour}"/>',
        text(x + COLUMN / 2, y + 13, label, "middle") + "</g>",
    ]


def described(point: Point) -> str:
    """What hovering shows."""
    if point.interval is None:
        return f"{point.layer} {point.setting}: {point.reason}"
    low, high = point.interval
    return f"{point.layer} {point.setting}: {point.pp:+.2f} pp [{low:+.2f}, {high:+.2f}]"


def shade(share: float) -> str:
    """White for no loss, `WORST` for the largest."""
    share = min(max(share, 0.0), 1.0)
    return "#" + "".join(f"{round(255 + (end - 255) * share * 0.75):02x}" for end in WORST)


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" fill="#222">{escape(words)}</text>'
