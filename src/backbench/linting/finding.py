"""What lint found: where it stands, what was recomputed, and from what.

error    the numbers contradict each other, or what is known about the network
warning  the numbers can't mean what their heading says, or compare what can't be compared
note     something that a reader needs is not said; a note alone is no failure
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
WIDTH = 60  # characters of a cell's text that are shown


@dataclass(frozen=True)
class Finding:
    """One fault: `line` counts from 1; `row` and `column` are empty where the whole table is meant."""

    rule: str
    severity: Severity
    file: str
    line: int
    table: str
    row: str
    column: str
    message: str

    def data(self) -> dict[str, Any]:
        return asdict(self)

    def sentence(self) -> str:
        place = " › ".join(shown(part) for part in (self.table, self.row, self.column) if part)
        return f"{self.file}:{self.line}: {self.severity} [{self.rule}] {place}: {shown(self.message, 600)}"


def shown(text: str, width: int = WIDTH) -> str:
    """One line of printable text, cut where it is long."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 4 * width]).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def listed(names: list[str], most: int = 4) -> str:
    """a, b and 3 more; a label that stands there twice is named once."""
    kept = [shown(name, 40) for name in dict.fromkeys(names)]
    if len(kept) > most:
        return f"{', '.join(kept[:most])} and {len(kept) - most} more"
    return " and ".join([", ".join(kept[:-1]), kept[-1]] if len(kept) > 1 else kept)
