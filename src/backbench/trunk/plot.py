"""Held-out accuracy over grouping volatility as an SVG of its own, with intervals; names show on hovering."""

from __future__ import annotations

from html import escape

from backbench.report.plot import FONT, Scale, scale, text, ticks
from backbench.statistics.accuracy import Proportion, wilson
from backbench.trunk.ablation import Point

WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 34, 46
COLOUR = "#0b6e4f"
LABELS = 12  # at most, along the lower edge


def svg(points: list[Point], title: str) -> str:
    """The plot. Points whose volatilities give one tree stand at one height."""
    shares = [wilson(point.correct, point.n) for point in points]
    across = scale([point.volatility for point in points], LEFT, WIDTH - RIGHT, pad=0.03)
    up = scale(bounds(shares), HEIGHT - BOTTOM, TOP, pad=0.05)
    line = "L".join(
        f"{across(point.volatility):.1f} {up(share.estimate):.1f}" for point, share in zip(points, shares, strict=True)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" {FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *grid(shares, up),
        f'<path d="M{line}" fill="none" stroke="{COLOUR}"/>',
        *(mark(point, share, across, up) for point, share in zip(points, shares, strict=True)),
        *labels(points, across),
        text(LEFT, 18, title, "start"),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "grouping volatility", "middle"),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def bounds(shares: list[Proportion]) -> list[float]:
    return [bound for share in shares for bound in (share.low, share.high)]


def grid(shares: list[Proportion], up: Scale) -> list[str]:
    drawn = []
    for share in ticks(bounds(shares)):
        drawn.append(f'<path d="M{LEFT} {up(share):.1f}H{WIDTH - RIGHT}" stroke="#e3e5e8"/>')
        drawn.append(text(LEFT - 8, up(share) + 4, f"{share * 100:g}", "end"))
    return drawn


def mark(point: Point, share: Proportion, across: Scale, up: Scale) -> str:
    x = across(point.volatility)
    said = f"{point.volatility:g}: {share.estimate:.2%}, {len(point.groups)} root groups"
    bar = f'<path d="M{x:.1f} {up(share.low):.1f}V{up(share.high):.1f}" stroke="{COLOUR}" stroke-opacity="0.45"/>'
    return (
        f'<g><title>{said}</title>{bar}<circle cx="{x:.1f}" cy="{up(share.estimate):.1f}" r="4" fill="{COLOUR}"/></g>'
    )


def labels(points: list[Point], across: Scale) -> list[str]:
    every = -(-len(points) // LABELS)
    return [
        text(across(point.volatility), HEIGHT - BOTTOM + 18, f"{point.volatility:g}", "middle")
        for point in points[::every]
    ]
