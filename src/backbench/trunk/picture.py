"""The tree as an SVG of its own: nodes with their classes, joined from left to right; readable as text, no plotting package."""

from __future__ import annotations

from html import escape

from backbench.trunk.tree import ROOT, Tree

ROW, COLUMN, BOX, LEFT, TOP = 22, 210, 190, 10, 26
FONT = 'font-family="system-ui, sans-serif" font-size="12"'
INNER, LEAF, LINE = "#0b6e4f", "#40464d", "#b9bfc6"
LONGEST = 28  # characters of a label; the rest stands in the title


def svg(tree: Tree, notes: dict[str, str] | None = None) -> str:
    """`notes`: a few words for a node, e.g. its MACs."""
    places: dict[str, tuple[int, float]] = {}
    rows = place(tree, ROOT, 0, 0, places)
    width, height = LEFT + (tree.depth + 1) * COLUMN, TOP + rows * ROW
    drawn = [*lines(tree, places), *(text for name in places for text in box(tree, name, places, notes or {}))]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" {FONT}>'
    title = f"<title>A tree of {len(tree.inner)} networks and {len(tree.leaves)} leaves</title>"
    return (
        "\n".join([head, title, f'<rect width="{width}" height="{height}" fill="#ffffff"/>', *drawn, "</svg>"]) + "\n"
    )


def place(tree: Tree, name: str, depth: int, row: int, places: dict[str, tuple[int, float]]) -> int:
    """Sets a node in the middle of its children's rows; the first row that is free below it."""
    children = tree.nodes[name].children
    if not children:
        places[name] = (depth, row)
        return row + 1
    for child in children:
        row = place(tree, child, depth + 1, row, places)
    places[name] = (depth, (places[children[0]][1] + places[children[-1]][1]) / 2)
    return row


def at(place: tuple[int, float]) -> tuple[float, float]:
    return LEFT + place[0] * COLUMN, TOP + place[1] * ROW


def lines(tree: Tree, places: dict[str, tuple[int, float]]) -> list[str]:
    drawn = []
    for child, parent in tree.parents.items():
        (x1, y1), (x2, y2) = at(places[parent]), at(places[child])
        middle = x1 + BOX + (COLUMN - BOX) / 2
        drawn.append(f'<path d="M{x1 + BOX:g} {y1:g}H{middle:g}V{y2:g}H{x2:g}" fill="none" stroke="{LINE}"/>')
    return drawn


def box(tree: Tree, name: str, places: dict[str, tuple[int, float]], notes: dict[str, str]) -> list[str]:
    x, y = at(places[name])
    node = tree.nodes[name]
    words = ", ".join(tree.classes[label] for label in tree.labels(name))
    said = f"{name}: {notes[name]}" if name in notes else words
    shown = said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"
    colour = LEAF if node.leaf else INNER
    frame = f'<rect x="{x:g}" y="{y - 9:g}" width="{BOX}" height="18" rx="4" fill="#ffffff" stroke="{colour}"/>'
    return [f"<g><title>{escape(f'{name}: {words}')}</title>{frame}", f"{text(x + 6, y + 4, shown, colour)}</g>"]


def text(x: float, y: float, words: str, colour: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}">{escape(words)}</text>'
