"""`backbench verify`: is this run what it says it is, and does it hold when it is measured again?"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbench.cli.options import DataRoot, Json, settings_of

if TYPE_CHECKING:
    from backbench.verifying.finding import Finding

TrustCode = Annotated[
    bool,
    typer.Option(
        "--trust-code", help="Import and call a network that a record names as package.module:function: it is code."
    ),
]
WORDS = {0: "verified", 1: "failed", 3: "can't tell"}


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, from any machine.")],
    sample: Annotated[
        int, typer.Option(min=0, help="Cells to measure again; 0: hashes only, in the light install too.")
    ] = 3,
    out: Annotated[Path | None, typer.Option(help="Keep the new records in this folder.")] = None,
    data_root: DataRoot = None,
    trust_code: TrustCode = False,
    everything: Annotated[bool, typer.Option("--all", help="Print what passed, too, line by line.")] = False,
    as_json: Json = False,
) -> None:
    """Check a run's hashes, then measure a sample of its cells again: exit code 1 where something fails, 3 can't tell."""
    from backbench.cli.progress import shown
    from backbench.verifying.verify import Terms, verify

    with tempfile.TemporaryDirectory(prefix="backbench-") as scratch, shown() as tell:
        findings = verify(run, sample, Terms(out or Path(scratch), settings_of(data_root), tell, trust_code))
    conclude(findings, everything, as_json)


def conclude(findings: Sequence[Finding], everything: bool, as_json: bool) -> None:
    """Prints the findings and ends with their exit code."""
    from backbench.verifying.finding import exit_code

    code = exit_code(findings)
    if as_json:
        typer.echo(json.dumps({"verdict": WORDS[code], "findings": [item.data() for item in findings]}, indent=1))
    else:
        show(findings, everything)
        typer.echo(f"{WORDS[code]}: {tally(findings)}")
    if code:
        raise typer.Exit(code)


def show(findings: Sequence[Finding], everything: bool) -> None:
    """Line by line; but what passed by its hash, and what is not here for one reason, as one line a kind."""
    alike = Counter(map(likeness, findings))
    for finding in findings:
        key = likeness(finding)
        if everything or key is None or alike[key] == 1:
            typer.echo(str(finding))
        elif alike[key]:
            verdict, kind, detail = key
            typer.echo(f"{verdict:<11} {kind:<9} {alike[key]}{f': {detail}' if detail else ''}")
            alike[key] = 0


def likeness(finding: Finding) -> tuple[str, str, str] | None:
    """Findings that are alike are told as one; None for those that are always told apart."""
    if finding.verdict == "pass" and finding.kind in ("record", "weights", "recipe", "dataset"):
        return finding.verdict, finding.kind, ""
    told_once = finding.verdict == "not checked" or finding.kind == "artefact"
    return (finding.verdict, finding.kind, finding.detail) if told_once else None


def tally(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.verdict for finding in findings)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
