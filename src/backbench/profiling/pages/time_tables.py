"""Where the time goes: by block, by operator, by node of a runtime's own graph."""

from __future__ import annotations

from backbench.profiling.document import Profile
from backbench.profiling.numbers import Part, before_after, parts_of, whole
from backbench.profiling.pages.table import Table
from backbench.report.units import NOTHING, digits, ms, percent, plural

MOST_ROWS = 40  # of operators or nodes; the profile's JSON has them all


def block_table(profile: Profile) -> Table | None:
    """Blocks in order, the remainder, and their sum, which is the instrumented pass."""
    found = parts_of(profile)
    if found is None or profile.blocks is None:
        return None
    rest = [
        Part("between blocks", "containers' own", sum(part.seconds for part in found.between), 0.0),
        Part("outside", "the call around", found.outside, 0.0),
    ]
    sum_of = Part("sum = instrumented pass", "", found.total, 1.0)
    rows = tuple(
        (part.path or "(the network)", part.kind, ms(part.seconds), percent(part.seconds / found.total, 1))
        for part in (*found.blocks, *rest, sum_of)
    )
    return Table("Time by block", ("block", "kind", "ms", "share %"), rows, tuple(block_lines(profile)), text_columns=2)


def block_lines(profile: Profile) -> list[str]:
    blocks = profile.blocks
    assert blocks is not None
    before, after = before_after(blocks)
    passes = plural(len(blocks.instrumented), "instrumented pass").replace("passs", "passes")
    lines = [
        (
            f"Means of {passes}. The clock is read whenever a block is entered or left, and each stretch belongs to the"
            " innermost open block: so the parts add up to the pass. Between blocks: additions, reshapes and Python of the"
            " containers."
        ),
        (
            f"An instrumented pass takes {digits(blocks.slowdown, 3)} × a plain one. Plain calls: {ms(before)} ms before the"
            f" hooks were attached, {ms(after)} ms after they were removed ({plural(blocks.hooks_left, 'hook')} left)."
        ),
    ]
    found = whole(profile)
    if found:
        lines.append(
            f"The whole network by the protocol, in fresh processes without hooks: median {ms(found.median)} ms."
        )
    return lines


def operator_table(profile: Profile) -> Table | None:
    """By torch's profiler: each operator's own time and the remainder."""
    found = profile.operators
    if found is None:
        return None
    total = sum(found.passes) / len(found.passes)
    shown = [(row.name, digits(row.calls, 3), row.seconds) for row in found.operators[:MOST_ROWS]]
    hidden = found.operators[MOST_ROWS:]
    if hidden:
        shown.append((f"{len(hidden)} others", NOTHING, sum(row.seconds for row in hidden)))
    shown += [("remainder: Python, dispatching, the profiler", NOTHING, found.remainder), ("sum", NOTHING, total)]
    rows = tuple((name, calls, ms(seconds), percent(seconds / total, 1)) for name, calls, seconds in shown)
    lines = (f"Own times under torch's profiler, mean of {len(found.passes)} passes.",)
    return Table("Time by operator", ("operator", "calls", "ms", "share %"), rows, lines)


def node_table(profile: Profile) -> Table | None:
    """The runtime's own profile, most expensive first."""
    if not profile.nodes:
        return None
    total = sum(node.seconds for node in profile.nodes)
    ordered = sorted(profile.nodes, key=lambda node: -node.seconds)
    rows = tuple(
        (node.name, node.kind, node.precision, node.kernel, ms(node.seconds), percent(node.seconds / total, 1))
        for node in ordered[:MOST_ROWS]
    )
    found = whole(profile)
    against = f"; the whole network without its profiler takes {ms(found.median)} ms" if found else ""
    lines = (f"{len(profile.nodes)} nodes, {ms(total)} ms in all, as {profile.cell.runtime.name} timed them{against}.",)
    columns = ("node", "operator", "precision", "kernel", "ms", "share %")
    return Table("Time by node of the runtime's graph", columns, rows, lines, text_columns=4)
