"""A comparison for a person (blocks of lines) and for a script (plain data)."""

from __future__ import annotations

import math
from typing import Any

from backbench.report.rows import Row
from backbench.report.table import factor, refusal, signed
from backbench.report.units import digits, mb, millions, ms, percent, plain_name, plural
from backbench.report.versus import Comparison, Exact, Matched
from backbench.statistics.accuracy import no_worse

MARGIN = 1.0  # percentage points: "no worse" is asked with this margin
EXACT = {
    "size": ("size", mb, "MB"),
    "parameters": ("parameters", millions, "M"),
    "nonzero": ("non-zero", millions, "M"),
    "macs": ("MACs", millions, "M"),
    "peak_memory": ("peak memory", mb, "MB (median; no interval)"),
}


def blocks(found: Comparison) -> list[str]:
    return ["\n".join(block(pair)) for pair in found.pairs]


def block(pair: Matched) -> list[str]:
    """The two names, what differs between their conditions, and a line a metric."""
    base, new = (plain_name(row.cell.label, 200) for row in (pair.base, pair.new))
    head = [f"{new}"] if base == new else [f"{new}", f"  against {base}"]
    if pair.unlike:
        head.append(
            f"  careful: they differ in {', '.join(pair.unlike)}, so a ratio says as much about them as about the cells"
        )
    return [*head, latency_line(pair), accuracy_line(pair), *exact_lines(pair)]


def latency_line(pair: Matched) -> str:
    ratio = pair.versus.ratio
    if ratio is None or pair.base.latency is None or pair.new.latency is None:
        return "  latency      can't tell: it was not timed on both sides"
    how = "paired by round" if pair.versus.paired else "unpaired, because not one run on one host: Welch's t"
    times = f"{ms(pair.base.latency.median)} → {ms(pair.new.latency.median)} ms"
    interval = f"ratio {factor(ratio.estimate)} ({factor(ratio.low)}–{factor(ratio.high)})"
    return f"  latency      {times}, {interval}, {pair.versus.verdict} [{how}, n = {ratio.n}]"


def accuracy_line(pair: Matched) -> str:
    found = pair.versus.difference
    if found is None:
        return "  accuracy     can't tell: the two were not tested on the same images"
    shares = f"{share(pair.base)} → {share(pair.new)} %"
    if pair.versus.equal_predictions:
        return f"  accuracy     {shares}, the same images right [n = {found.n:,}]"
    word = "different" if pair.versus.accuracy_differs else "can't tell apart"
    worse = {"yes": "no worse", "no": "worse", "can't tell": "can't tell whether worse"}[no_worse(found, MARGIN)]
    interval = f"{signed(found.pp)} pp ({signed(found.low)} to {signed(found.high)})"
    test = f"McNemar, p = {digits(found.p, 2)}, n = {found.n:,}"
    return f"  accuracy     {shares}, {interval}, {word}; {worse} by a margin of {MARGIN:g} pp [{test}]"


def share(row: Row) -> str:
    return percent(row.accuracy.estimate if row.accuracy else None)


def exact_lines(pair: Matched) -> list[str]:
    return [exact_line(name, found) for name, found in pair.exact.items()]


def exact_line(name: str, found: Exact) -> str:
    title, unit, suffix = EXACT[name]
    if found.base == found.new:
        return f"  {title:<12} {unit(found.new)} {suffix}, equal"
    change = f", ratio {factor(found.ratio)}" if found.ratio is not None else ""
    return f"  {title:<12} {unit(found.base)} → {unit(found.new)} {suffix}{change}"


def alone(found: Comparison) -> list[str]:
    """What was not compared: not measured on both sides, or only on one side at all."""
    lines = [
        f"not compared: {plain_name(row.cell.label, 200)}: {why}"
        for pair in found.unmeasured
        for row in pair
        if (why := refusal(row))
    ]
    sides = (("the base", found.only_base), ("the new side", found.only_new))
    return lines + [f"{plural(len(items), 'cell')} only on {side}: {listing(items)}" for side, items in sides if items]


def listing(items: tuple[Any, ...]) -> str:
    shown = ", ".join(item.record.cell_id for item in items[:5])
    return f"{shown}, …" if len(items) > 5 else shown


def pair_data(pair: Matched) -> dict[str, Any]:
    ratio, difference = pair.versus.ratio, pair.versus.difference
    return {
        "base": identity(pair.base),
        "new": identity(pair.new),
        "unlike": list(pair.unlike),
        "latency": ratio
        and {
            "base_s": pair.base.latency and pair.base.latency.median,
            "new_s": pair.new.latency and pair.new.latency.median,
            "ratio": ratio.estimate,
            "low": ratio.low,
            "high": ratio.high if math.isfinite(ratio.high) else None,
            "n": ratio.n,
            "paired": pair.versus.paired,
            "verdict": pair.versus.verdict,
        },
        "accuracy": difference
        and {
            "pp": difference.pp,
            "low": difference.low,
            "high": difference.high,
            "p": difference.p,
            "p_holm": pair.versus.p,
            "n": difference.n,
            "no_worse_by_1pp": no_worse(difference, MARGIN),
        },
        **{name: {"base": one.base, "new": one.new, "ratio": one.ratio} for name, one in pair.exact.items()},
    }


def identity(row: Row) -> dict[str, Any]:
    return {"cell_id": row.record.cell_id, "record_id": row.record.record_id, "label": plain_name(row.cell.label, 200)}
