"""The roofline, the sweeps and their limits, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from backbench.profiling.counted import shape_text
from backbench.profiling.document import Profile
from backbench.profiling.pages.table import Table
from backbench.profiling.roofline import placed, ridge
from backbench.profiling.scaling import memory_fit, pixel_fit, time_fit
from backbench.profiling.swept import Limit, Point
from backbench.report.units import NOTHING, digits, mb, ms, percent, plural


def roofline_table(profile: Profile) -> Table | None:
    """Each block: intensity, rate, what bounds it, and its share of that roof."""
    if profile.ceilings is None or profile.blocks is None or profile.structure is None:
        return None
    precision = precision_of(profile)
    if precision not in profile.ceilings.compute:
        return None
    found = placed(profile.structure, profile.blocks, profile.ceilings, precision)
    rows = tuple(
        (each.path or "(the network)", each.kind, each.bound, digits(each.intensity, 3), digits(each.rate / 1e9, 3),
         percent(each.reached, 0))
        for each in found
    )  # fmt: skip
    columns = ("block", "kind", "bound by", "FLOPs/byte", "GFLOP/s", "of its roof %")
    return Table("Roofline", columns, rows, tuple(ceiling_lines(profile, precision)), text_columns=3)


def precision_of(profile: Profile) -> str:
    return str(profile.cell.runtime.options.get("precision", "fp32"))


def ceiling_lines(profile: Profile, precision: str) -> list[str]:
    found = profile.ceilings
    assert found is not None
    compute = [
        f"{name} {digits(rate / 1e9, 3)} GFLOP/s ({found.kernels[name]})" for name, rate in found.compute.items()
    ]
    moves = [f"{name} {digits(rate / 1e9, 3)} GB/s" for name, rate in found.bandwidth.items()]
    lacking = [f"{name}: {why}" for name, why in found.reasons.items()]
    return [
        (
            f"Ceilings measured on {found.device} with {plural(found.threads, 'thread')}: {', '.join([*compute, *moves])}."
            f" From {digits(ridge(found, precision), 3)} FLOPs a byte on, {precision} arithmetic is the limit."
        ),
        "Bytes are those that the operators read and write; over 100 % of a memory roof they came from a cache.",
        *lacking,
    ]


def scaling_tables(profile: Profile) -> list[Table]:
    found = profile.scaling
    if found is None:
        return []
    axes: tuple[tuple[str, tuple[Point, ...], Limit | None], ...] = (
        ("batch", found.batch, found.batch_limit),
        ("resolution", found.resolution, found.resolution_limit),
    )
    return [sweep_table(axis, points, limit) for axis, points, limit in axes if points]


def sweep_table(axis: str, points: Sequence[Point], limit: Limit | None) -> Table:
    columns = ("input", "median ms", "img/s", "MACs G", "live MB", "process +MB", "not run")
    rows = tuple(sweep_row(point) for point in points)
    return Table(f"Growth with the {axis}", columns, rows, tuple(growth_lines(points, limit)))


def sweep_row(point: Point) -> tuple[str, ...]:
    seconds = median(point.seconds) if point.seconds else None
    return (
        shape_text(point.input),
        ms(seconds),
        digits(point.input[0] / seconds) if seconds else NOTHING,
        digits(point.macs / 1e9),
        mb(point.live),
        mb(point.rise),
        point.reason or "",
    )


def growth_lines(points: Sequence[Point], limit: Limit | None) -> list[str]:
    """The fits in words, and where memory runs out."""
    lines = []
    time, pixels, counted = time_fit(points), pixel_fit(points), memory_fit(points)
    if time:
        lines.append(
            f"Time grows as pixels to the power {digits(time.power, 3)} (points within {percent(time.spread - 1, 0)} %)."
        )
    if pixels and counted:
        lines.append(
            f"Memory grows by {digits(pixels.slope, 3)} bytes a pixel over {mb(pixels.start)} MB; a process needs"
            f" {digits(counted.slope, 3)} × the counted live bytes over {mb(counted.start)} MB."
        )
    return lines + ([limit_line(limit)] if limit else [])


def limit_line(limit: Limit) -> str:
    need, free = f"{limit.bytes / 1e9:.2f} GB", f"{limit.available / 1e9:.2f} GB"
    if limit.capped:
        return f"Memory: even {shape_text(limit.input)} would fit ({need} of {free}); nothing larger was looked at."
    fits = f"; {shape_text(limit.largest)} is the largest that fits" if limit.largest else "; none smaller fits either"
    return f"Memory runs out, as predicted and never tried, at {shape_text(limit.input)}: {need} of {free}{fits}."
