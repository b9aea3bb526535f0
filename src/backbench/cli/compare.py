"""`backbench compare`: two record files, or two folders cell by cell: ratios with intervals, differences, verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backbench.cli.options import Json

if TYPE_CHECKING:
    from backbench.report.bounds import Bound, Decision
    from backbench.report.versus import Comparison, Matched

EXIT = {"met": 1, "can't tell": 3, "not met": 0}


def compare(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="A record file, or a run's folder.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="What is held against it.")],
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            metavar="BOUND",
            help="Exit with 1 where its interval clearly holds, 3 where nobody can tell: 'latency > 1.05', 'top1 < -0.5pp'.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two records, or the cells that two folders share."""
    from backbench.report.bounds import read_bound, worst
    from backbench.report.versus import compared

    bounds = [read_bound(text) for text in fail_if or []]
    found = compared(base, new)
    decisions = [(bound, pair, bound.decide(pair)) for bound in bounds for pair in found.pairs]
    if as_json:
        typer.echo(json.dumps(data(found, decisions), indent=1))
    else:
        show(found, decisions)
    code = EXIT[worst([*(decision for _, _, decision in decisions), *undecided(found)])] if bounds else 0
    if code:
        raise typer.Exit(code)


def undecided(found: Comparison) -> list[Decision]:
    """One for each cell of the base that the new side has not measured: a gate that lost its cell tells nothing."""
    lost = [new for base, new in found.unmeasured if base.status == "ok"]
    return ["can't tell"] * (len(lost) + len(found.only_base))


def show(found: Comparison, decisions: list[tuple[Bound, Matched, Decision]]) -> None:
    """A block for each pair, then what only one side has, then the bounds."""
    from backbench.report.versus_words import alone, blocks

    for block in blocks(found):
        typer.echo(block + "\n")
    for line in alone(found):
        typer.echo(line)
    for bound, pair, decision in decisions:
        typer.echo(f"--fail-if {bound}: {decision} ({pair.new.cell.label})")
    if decisions and undecided(found):
        typer.echo(f"--fail-if: can't tell for {len(undecided(found))} of the base's cells, which the new side lacks")


def data(found: Comparison, decisions: list[tuple[Bound, Matched, Decision]]) -> dict[str, Any]:
    """The same as data; intervals that are infinite are null."""
    from backbench.report.versus_words import pair_data

    return {
        "pairs": [pair_data(pair) for pair in found.pairs],
        "unmeasured": [
            [row.record.cell_id, row.status] for pair in found.unmeasured for row in pair if row.status != "ok"
        ],
        "only_base": [item.record.cell_id for item in found.only_base],
        "only_new": [item.record.cell_id for item in found.only_new],
        "fail_if": [
            {"bound": str(bound), "cell_id": pair.new.record.cell_id, "decision": decision}
            for bound, pair, decision in decisions
        ],
        "undecided": len(undecided(found)),
    }
