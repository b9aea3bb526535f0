"""How numbers and names stand in a table: ms, MB (10⁶ bytes), M (10⁶), percent; seconds and bytes stay inside.

A number is printed with four significant digits, as many as a benchmark's interval ever carries; the CSV has them all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

MAX_NAME = 100  # characters of a name that a user typed
NOTHING = "–"


def digits(value: float, count: int = 4) -> str:
    """`value` with `count` significant digits and no exponent: 1234.5 → 1,234; 0.0012345 → 0.001234."""
    if not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    places = max(0, count - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(places, 12)}f}"


def ms(seconds: float | None) -> str:
    return NOTHING if seconds is None else digits(seconds * 1e3)


def mb(size: float | None) -> str:
    """Bytes as MB = 10⁶ bytes."""
    return NOTHING if size is None else digits(size / 1e6, 3)


def millions(count: float | None) -> str:
    return NOTHING if count is None else digits(count / 1e6, 3)


def percent(share: float | None, places: int = 2) -> str:
    return NOTHING if share is None else f"{share * 100:.{places}f}"


def width(low: float, value: float, high: float) -> str:
    """The interval's half-width relative to the value: ±0.8 %."""
    if not (math.isfinite(low) and math.isfinite(high) and value > 0):
        return "±?"
    return f"±{digits((high - low) / 2 / value * 100, 2)} %"


def plain_name(text: object, limit: int = MAX_NAME) -> str:
    """One line of printable text: control characters become blanks, a long text is cut and says so."""
    given = str(text)
    if len(given) <= limit and given.isprintable() and "  " not in given:
        return given.strip()
    line = re.sub(r"\s+", " ", "".join(sign if sign.isprintable() else " " for sign in given[: limit * 4])).strip()
    return line if len(line) <= limit and len(given) <= limit * 4 else line[: limit - 1] + "…"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def numbered(found: Sequence[int]) -> str:
    """#1, #2 and #5, at most a line of them."""
    shown = [f"#{number}" for number in sorted(found)]
    if len(shown) > 12:
        return f"{', '.join(shown[:10])} and {len(shown) - 10} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
