r"""A cell's text as a number: 1,234.5 · **61.4** · 17.05ms · 8.6% · 2.12x · $93.26 \pm 0.1$ · −0.33 · 1e-3 · 4.1 GMACs.

A number carries the step of its last digit: 0.24 may be anything from 0.23 to 0.25, whether it was rounded or cut.
What is no single number (a range, a date, a name with digits) is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 200  # characters of a cell that may hold a number
LARGEST = 1e30  # no quantity is above it in any unit; products of several would leave the floats' range
DIGITS = r"(?:\d{1,3}(?:[, ]\d{3})+|\d+)(?:\.\d*)?|\.\d+"
FORM = re.compile(
    rf"(?P<before>[×x~≈<>≤≥*†‡↑↓+\s]*?)(?P<sign>[-+]?)(?P<digits>{DIGITS})(?P<power>[eE][-+]?\d{{1,3}})?"
    r"\s*(?P<unit>[A-Za-zµμ%×#][A-Za-zµμ/%. ]*)?\s*(?P<rest>.*)"
)
# Behind a number: its spread, something in brackets, marks of a footnote, arrows.
REST = re.compile(r"(?:(?:±|\+/-|\+-)\s*[\d.,]+\s*[A-Za-zµ%]*|\([^()]*\)|\[[^\[\]]*\]|[*†‡§↑↓^_.=~\s])*")
LATEX = re.compile(r"\\(?:textbf|mathbf|textit|emph|underline|text|mathrm|bf|it|boldsymbol)\b")
WORDS = {
    r"\pm": "±", r"\times": "×", r"\Delta": "Δ", r"\delta": "Δ", r"\%": "%", r"\#": "#", r"\downarrow": "↓",
    r"\uparrow": "↑", r"\approx": "≈", r"\sim": "~", r"\mu": "µ", r"\,": "", r"\;": " ", r"\ ": " ", r"\_": "_",
}  # fmt: skip
DASHES = str.maketrans({"−": "-", "‐": "-", "‑": "-", "﹣": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " "})


@dataclass(frozen=True)
class Number:
    """`value` as printed, without its unit; `step`: what one in the last place is worth."""

    value: float
    step: float
    unit: str = ""
    text: str = ""


def plain(text: str) -> str:
    """Without LaTeX, Markdown's emphasis and exotic dashes."""
    text = LATEX.sub("", text.translate(DASHES))
    for word, sign in WORDS.items():
        text = text.replace(word, sign)
    return " ".join(re.sub(r"[${}`]|\*\*|__", "", text).split())


def read_number(text: str) -> Number | None:
    """None for a text that is not one number."""
    if len(text) > LONGEST:
        return None
    line = re.sub(r"^[–—](?=\d)", "-", plain(text))
    found = FORM.fullmatch(line)
    if not found or not REST.fullmatch(found["rest"]) or not is_unit(found["unit"]):
        return None
    digits = found["digits"].replace(",", "").replace(" ", "")
    value = float(found["sign"] + digits + (found["power"] or ""))
    power = int(found["power"][1:]) if found["power"] else 0
    step = 10.0 ** (min(power, 99) - len(digits.partition(".")[2]))
    unit = unit_of(found["unit"]) or ("×" if found["before"].strip() in ("×", "x") else "")
    return Number(value, step, unit, text.strip()) if max(abs(value), step) <= LARGEST else None


def unit_of(text: str | None) -> str:
    """ "ms", "%", "×", …; a word that says which way a factor goes is no unit."""
    words = (text or "").strip().rstrip(".").split()
    kept = [word for word in words if word.lower() not in ("faster", "slower", "smaller", "larger", "fewer")]
    return "×" if kept in (["x"], ["X"]) else " ".join(kept)


def is_unit(text: str | None) -> bool:
    from backbench.linting.units import factor_of

    return not unit_of(text) or factor_of(unit_of(text)) is not None
