"""Latency that was measured again, against the record's: the ratio new ÷ record, where the two may be compared at all."""

from __future__ import annotations

from statistics import median
from typing import Any

from backbench.records.environment import fingerprint
from backbench.records.schema import Record
from backbench.statistics.unpaired import unpaired_ratio
from backbench.verifying.facts import part
from backbench.verifying.finding import Finding, Verdict

WITHIN = 0.05  # rule 20
ALPHA = 0.05


def latency(name: str, old: Record, new: Record, cells: int) -> Finding | None:
    """None where the record has no latency."""
    base, fresh = medians(old), medians(new)
    if not base:
        return None
    if not same_host(old, new):
        return Finding("latency", name, "not checked", f"time is not compared: {unlike(old, new)}")
    if not fresh:
        return Finding("latency", name, "can't tell", "no latency was measured this time")
    ratio = unpaired_ratio(list(base.values()), list(fresh.values()), 1 - ALPHA)
    strict = unpaired_ratio(list(base.values()), list(fresh.values()), 1 - ALPHA / max(1, cells))
    verdict = within(ratio.low, ratio.high, strict.low, strict.high, 1 - WITHIN, 1 + WITHIN)
    detail = (
        f"{median(base.values()) * 1e3:.4g} ms then, {median(fresh.values()) * 1e3:.4g} ms now: ratio {ratio.estimate:.3f}"
        f" [{ratio.low:.3f}, {ratio.high:.3f}], {len(base)} and {len(fresh)} processes"
    )
    return Finding("latency", name, verdict, detail + disturbed(new))


def disturbed(new: Record) -> str:
    """How far the machine itself moved while it was measured again."""
    drift = new.conditions.canary_drift if new.conditions else None
    return "" if drift is None else f", canary ±{drift:.1%}"


def medians(record: Record) -> dict[int, float]:
    """Round → median seconds of a call; none where a clock did not move."""
    found = record.measurements.get("latency")
    middles = {sample.round: median(sample.values) for sample in (found.samples if found else ()) if sample.values}
    return middles if middles and min(middles.values()) > 0 else {}


def within(low: float, high: float, strict_low: float, strict_high: float, least: float, most: float) -> Verdict:
    """pass: [low, high] lies inside; fail: the stricter interval is clear of it."""
    if least <= low and high <= most:
        return "pass"
    return "fail" if strict_high < least or strict_low > most else "can't tell"


def unlike(old: Record, new: Record) -> str:
    """Why two timings can't be compared."""
    if old.host.get("name") != new.host.get("name") or old.host.get("cpu") != new.host.get("cpu"):
        return f"another host ({old.host.get('cpu')}; here {new.host.get('cpu')})"
    packages = changed(part(old.host, "packages"), part(new.host, "packages"))
    others = ("kernel", "python", "logical_cpus", "ram", "isa", "gpu")
    rest = [key for key in others if old.host.get(key) != new.host.get(key)]
    return f"the same machine with other {', '.join([*rest, *([f'packages: {packages}'] if packages else [])])}"


def changed(old: dict[str, Any], new: dict[str, Any]) -> str:
    """`torch 2.14.0 → 2.15.0, …`, or nothing where the versions are equal."""
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return ", ".join(f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}" for name in names)


def same_host(old: Record, new: Record) -> bool:
    """Whether the two timings may be compared: one machine, one set of packages."""
    return fingerprint(old.host) == fingerprint(new.host)
