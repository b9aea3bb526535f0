"""A profile as tables of text: the same for the terminal, Markdown and HTML. ms, MB (10⁶) and MiB (2²⁰) in headers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backbench.profiling.counted import shape_text
from backbench.profiling.document import Profile
from backbench.profiling.numbers import memory, peak_rise, whole
from backbench.profiling.pages.growth_tables import roofline_table, scaling_tables
from backbench.profiling.pages.table import Table, mib
from backbench.profiling.pages.time_tables import block_table, node_table, operator_table
from backbench.report.units import NOTHING, digits, mb, millions, ms, percent, plain_name, width


def overview(profiles: Sequence[Profile]) -> Table:
    """One line a profile."""
    columns = (
        "network", "input", "runtime", "median ms", "±", "mean ms", "img/s", "parameters M", "MACs G",
        "peak live MB", "process +MB",
    )  # fmt: skip
    rows = tuple(overview_row(profile) for profile in profiles)
    failed = tuple(
        f"{plain_name(each.label)}: {each.status}: {each.reason}" for each in profiles if each.status != "ok"
    )
    said = (
        "median: of the processes' medians, ±: half-width of its 95 % interval; img/s from the mean;"
        " peak live: counted bytes of tensors, input included; process: peak over its size before loading."
    )
    return Table("Whole networks", columns, rows, (said, *failed), text_columns=3)


def overview_row(profile: Profile) -> tuple[str, ...]:
    found, structure = whole(profile), profile.structure
    batch = profile.input[0]
    return (
        plain_name(profile.cell.model),
        shape_text(profile.input),
        plain_name(profile.cell.runtime),
        ms(found.median) if found else NOTHING,
        width(found.low, found.median, found.high) if found else NOTHING,
        ms(found.mean) if found else NOTHING,
        digits(batch / found.mean) if found else NOTHING,
        millions(structure.parameters if structure else None),
        digits(structure.macs / 1e9) if structure else NOTHING,
        mb(structure.peak.live if structure else None),
        mb(peak_rise(profile)),
    )


def structure_table(profile: Profile, depth: int) -> Table | None:
    """The module tree to a depth."""
    if profile.structure is None:
        return None
    columns = (
        "module", "kind", "output", "parameters", "share %", "MACs M", "output MB", "receptive field", "calls",
    )  # fmt: skip
    total = max(1, profile.structure.parameters)
    rows = tuple(
        (
            "  " * module.depth + (module.path.rpartition(".")[2] or plain_name(profile.cell.model)),
            module.kind,
            " ".join(map(shape_text, module.outputs)) or NOTHING,
            f"{module.parameters:,}",
            percent(module.parameters / total, 1),
            digits(module.macs / 1e6),
            mb(module.output_bytes),
            field_text(module.receptive_field),
            str(module.calls),
        )
        for module in profile.structure.modules
        if module.depth <= depth
    )
    also = (
        f"{module.path} is also {', '.join(module.also)}: one module, its parameters count once"
        for module in profile.structure.modules
        if module.also
    )
    return Table("Structure", columns, rows, (*profile.structure.notes, *also), text_columns=3)


def field_text(field: tuple[int, int] | str | None) -> str:
    return NOTHING if field is None else f"{field[0]}×{field[1]}" if isinstance(field, tuple) else "the image"


def memory_table(profile: Profile) -> Table | None:
    """Each number of bytes in MB and in MiB."""
    found = memory(profile)
    rows = tuple((each.name, each.how, mb(each.bytes), mib(each.bytes), f"{each.bytes:,}") for each in found)
    columns = ("memory", "how", "MB (10⁶)", "MiB (2²⁰)", "bytes")
    peaks = [f"{name} {mb(size)} MB" for name, size in sorted(profile.peaks.items()) if size]
    lines = (f"Peak resident size of the processes that made this profile: {', '.join(peaks)}.",) if peaks else ()
    return Table("Memory", columns, rows, lines, text_columns=2) if found else None


ONE: tuple[Callable[[Profile], Table | None], ...] = (
    block_table,
    operator_table,
    node_table,
    memory_table,
    roofline_table,
)


def tables_of(profile: Profile, depth: int) -> list[Table]:
    """All tables of one profile, in the order of reading."""
    found = [structure_table(profile, depth), *(make(profile) for make in ONE), *scaling_tables(profile)]
    return [table for table in found if table is not None]
