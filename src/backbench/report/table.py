"""Which columns a table has and what stands in them; a column that is empty in every row is left out.

Printed in ms, MB (10⁶ bytes) and millions; `*` marks the best of a column, `=` what equals it, `~` what can't be told
from it. The same cells serve Markdown and the terminal, which escape them on their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backbench.report.comparison import Versus
from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.report.units import NOTHING, digits, mb, millions, ms, percent, plain_name, width

MAX_REASON = 240


@dataclass(frozen=True)
class Column:
    """`text` of a measured row; `numeric` ones are set flush right."""

    title: str
    text: Callable[[Section, Row], str]
    numeric: bool = True


@dataclass(frozen=True)
class Line:
    """One row as printed: its texts, or the reason why there are none."""

    row: Row
    texts: tuple[str, ...]
    refused: str | None = None


NAMES = (
    Column("#", lambda section, row: str(row.number)),
    Column("model", lambda section, row: section.names.model(row), numeric=False),
    Column("technique", lambda section, row: section.names.technique(row), numeric=False),
    Column("runtime", lambda section, row: section.names.runtime(row), numeric=False),
)
RESULTS = (
    Column("accuracy %", lambda section, row: accuracy(section, row)),
    Column("95 % interval", lambda section, row: accuracy_interval(row)),
    Column("top-5 %", lambda section, row: percent(row.top5)),
    Column("Δ baseline, pp", lambda section, row: difference(section, row)),
    Column("latency ms", lambda section, row: latency(section, row)),
    Column("±", lambda section, row: latency_width(row)),
    Column("mean ms", lambda section, row: ms(row.latency.mean) if row.latency else NOTHING),
    Column("against baseline", lambda section, row: speed(section, row), numeric=False),
    Column("images/s", lambda section, row: throughput(row)),
    Column("front", lambda section, row: front(section, row), numeric=False),
)
COSTS = (
    Column("size MB", lambda section, row: mb(row.size)),
    Column("parameters M", lambda section, row: millions(row.parameters("stored"))),
    Column("non-zero M", lambda section, row: millions(row.parameters("nonzero"))),
    Column("trainable M", lambda section, row: millions(row.parameters("trainable"))),
    Column("MACs M", lambda section, row: macs(row)),
    Column("weights MB", lambda section, row: mb(row.parameters("weights_bytes"))),
    Column("peak memory MB", lambda section, row: mb(row.peak_memory)),
    Column("J/image", lambda section, row: NOTHING if row.energy is None else digits(row.energy, 3)),
    Column("executed", lambda section, row: executed(row), numeric=False),
    Column("grade", lambda section, row: row.grade or NOTHING, numeric=False),
    Column("warnings", lambda section, row: warnings(section, row), numeric=False),
)


def table(section: Section, columns: tuple[Column, ...]) -> tuple[list[Column], list[Line]]:
    """The columns that hold something, and a line for each row shown; one that was not measured tells why."""
    measured = [row for row in section.shown if row.status == "ok"]
    names = [texts(section, column, section.shown) for column in NAMES]
    found = [texts(section, column, measured) for column in columns]
    filled = [place for place, column in enumerate(found) if set(column.values()) - {NOTHING, ""}]
    lines = []
    for row in section.shown:
        known = [found[place][row.number] for place in filled] if row.status == "ok" else []
        lines.append(Line(row, (*(name[row.number] for name in names), *known), refusal(row)))
    return [*NAMES, *(columns[place] for place in filled)], lines


def texts(section: Section, column: Column, rows: Sequence[Row]) -> dict[int, str]:
    """Row number → what stands in the column."""
    if column.title not in section.texts:
        section.texts[column.title] = {row.number: column.text(section, row) for row in rows}
    return section.texts[column.title]


def refusal(row: Row) -> str | None:
    """`skipped: …` or `failed: …`."""
    if row.status == "ok":
        return None
    return f"{row.status}: {plain_name(row.record.reason or 'no reason was recorded', MAX_REASON)}"


def marked(text: str, mark: str) -> str:
    return f"{text} {'*' if mark == 'best' else mark}".rstrip()


def accuracy(section: Section, row: Row) -> str:
    if row.accuracy is None:
        return NOTHING
    shown = percent(row.accuracy.estimate)
    return marked(shown, section.accuracy_marks.get(row.number, "")) if row.trained else f"chance ({shown})"


def accuracy_interval(row: Row) -> str:
    return f"{percent(row.accuracy.low, 1)}–{percent(row.accuracy.high, 1)}" if row.accuracy else NOTHING


def difference(section: Section, row: Row) -> str:
    """Percentage points against the baseline, on the same images; ~ where McNemar's test can't tell."""
    if row.number in section.baseline_numbers:
        return "baseline"
    found = section.versus.get(row.number)
    if found is None or found.difference is None:
        return NOTHING
    if found.equal_predictions:
        return "0 ="
    return f"{signed(found.difference.pp)}{'' if found.accuracy_differs else ' ~'}"


def signed(pp: float) -> str:
    return f"{pp:+.2f}".replace("-", "−")


def latency(section: Section, row: Row) -> str:
    return marked(ms(row.latency.median), section.speed_marks.get(row.number, "")) if row.latency else NOTHING


def latency_width(row: Row) -> str:
    return width(row.latency.low, row.latency.median, row.latency.high) if row.latency else NOTHING


def speed(section: Section, row: Row) -> str:
    """`1.83× faster (1.79–1.87)`; a ratio that was not paired by round says so."""
    if row.number in section.baseline_numbers:
        return "baseline"
    found = section.versus.get(row.number)
    return speed_text(found) if found and found.ratio else NOTHING


def speed_text(found: Versus) -> str:
    ratio = found.ratio
    assert ratio is not None
    # Above 1 whichever way it goes: a person reads "1.8× faster", not "0.55×".
    value, low, high = ratio.estimate, ratio.low, ratio.high
    if found.verdict == "faster":
        value, low, high = 1 / value, 1 / high, 1 / low if low > 0 else math.inf
    word = {"faster": f"{factor(value)}× faster", "slower": f"{factor(value)}× slower", "same": "same"}
    text = f"{word.get(found.verdict or '', '~')} ({factor(low)}–{factor(high)})"
    return text if found.paired else f"{text} unpaired"


def factor(value: float) -> str:
    if not math.isfinite(value) or value > 1e6:
        return "∞"
    return f"{value:.2f}" if value < 10 else digits(value, 3)


def throughput(row: Row) -> str:
    found = row.throughput
    return f"{digits(found.images_per_second, 3)} (batch {found.batch})" if found else NOTHING


def front(section: Section, row: Row) -> str:
    return {"front": "front", "~": "~", "dominated": ""}.get(section.standings.get(row.number, ""), NOTHING)


def macs(row: Row) -> str:
    if row.disputed:
        return "disputed (" + " or ".join(millions(count) for count in sorted(set(row.counters.values()))) + ")"
    return millions(row.macs)


def executed(row: Row) -> str:
    """The precision that was read back from the runtime."""
    return plain_name(row.record.executed.get("precision", NOTHING), 30)


def warnings(section: Section, row: Row) -> str:
    """Those that are not every row's."""
    codes = (plain_name(warn.code, 60) for warn in row.record.warnings)
    return plain_name(", ".join(code for code in codes if code not in section.shared_warnings))
