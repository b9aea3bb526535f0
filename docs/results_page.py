"""Writes docs/results.md from the records under results/: a table a dataset and a condition, every number from a record.

    python docs/results_page.py [OUT]

Nothing is typed by hand; what was not measured is not in a table. A test compares the committed page with what this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from backbench.report.changes import changes
from backbench.report.markdown import bullets, escape, grid
from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.report.survey import survey
from backbench.report.table import COSTS, NAMES, RESULTS, Column, Line, texts

DOCS = Path(__file__).parent
RESULTS_FOLDER = DOCS.parent / "results"
NOTICE = "<!-- Written by docs/results_page.py from the records under results/. -->"
HEAD = (
    "Every number is computed from the raw samples of a record in this repository; `backbench show RECORD --in FOLDER`"
    " prints one, `backbench report FOLDER` makes the whole report (intervals, what the techniques changed, plots)."
)
LEGEND = (
    "`*` best of the table · `=` the same as the best · `~` can't be told from the best · `±` half-width of the 95 %"
    " interval over processes. MB = 10⁶ bytes, M = 10⁶ multiply-accumulates or parameters. Machines were virtual and"
    " shared: compare within a table, not between tables."
)
SHOWN = (
    "accuracy %", "95 % interval", "latency ms", "±", "against baseline", "front",
    "size MB", "parameters M", "MACs M", "peak memory MB", "executed",
)  # fmt: skip
SOURCES = {"random": "random weights", None: "random weights"}


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    (out / "results.md").write_text(page(RESULTS_FOLDER), encoding="utf-8")


def page(results: Path) -> str:
    parts = ["# Results", NOTICE, HEAD, LEGEND]
    for folder in sorted(path.parent for path in results.glob("*/study.json")):
        if not (folder / "profiles").is_dir():  # a profile has a page of its own
            parts += study(folder)
    return "\n\n".join(parts) + "\n"


def study(folder: Path) -> Iterator[str]:
    """One study: where its report and records are, and its tables."""
    yield f"## {escape(folder.name)}"
    yield f"Study, report and records: `results/{folder.name}/`."
    for section in survey([folder]).sections:
        if section.measured:
            yield f"### {escape(section.group.title)}"
            yield conditions(section)
            yield table(section)
            yield from changed(section)


def changed(section: Section) -> Iterator[str]:
    """What each technique took away, and whether it was faster: the report's own verdicts."""
    lines = changes(section)
    if lines:
        yield "What the techniques changed:"
        yield bullets(map(escape, lines))


def conditions(section: Section) -> str:
    """What holds for every row: the dataset as it is, rounds, the host's grade, versions."""
    records = [row.record for row in section.measured]
    grades = ", ".join(sorted({row.grade for row in section.measured if row.grade}))
    rounds = sorted({len(row.medians) for row in section.measured if row.medians})
    dates = sorted({record.created_utc[:10] for record in records})
    spread = " to ".join(str(count) for count in dict.fromkeys((rounds[0], rounds[-1]))) if rounds else "no"
    named = (f"{name} {version}" for name, version in sorted(versions(records[0].inputs).items()))
    return f"{spread} fresh processes a cell, host grade {grades}, {dates[-1]}; {escape(', '.join(named))}."


def versions(inputs: dict[str, object]) -> dict[str, str]:
    found = inputs.get("versions")
    return {str(name): str(version) for name, version in found.items()} if isinstance(found, dict) else {}


def table(section: Section) -> str:
    """The report's own columns, those that hold something, with the weights' source and the record."""
    known = {column.title: column for column in (*RESULTS, *COSTS)}
    columns = [*NAMES, *(known[title] for title in SHOWN), WEIGHTS, RECORD]
    rows = [row for row in section.shown if row.status == "ok"]
    found = [(column, texts(section, column, rows)) for column in columns]
    filled = [(column, said) for column, said in found if set(said.values()) - {"–", ""}]
    lines = [Line(row, tuple(said[row.number] for _, said in filled)) for row in rows]
    return grid([column for column, _ in filled], lines)


def weights_of(section: Section, row: Row) -> str:
    """Where a user gets them: a recipe of ours, a name of timm or torchvision with its licence, or a file's hash."""
    cell = row.cell
    if cell.recipe is not None:
        start = f" from {published(cell.model.name)}" if cell.weights == "pretrained" else ""
        return f"recipe {cell.recipe}, seed {cell.seed}{start}"
    if cell.weights == "pretrained":
        return published(cell.model.name)
    return SOURCES.get(cell.weights) or f"{Path(str(cell.weights)).name.partition(':')[0]}"


def published(name: str) -> str:
    """What timm says of the weights: the tag, their licence and their size as fp32."""
    import timm

    if name.partition(":")[0] in ("trunk", "torchvision"):
        return f"{name}'s published weights"
    config = timm.models.get_pretrained_cfg(name)
    if config is None:
        return f"{name}'s published weights"
    tag = f"{config.architecture}.{config.tag}" if config.tag else name
    return f"timm {tag} ({config.license or 'licence not stated'})"


WEIGHTS = Column("weights", weights_of, numeric=False)
RECORD = Column("record", lambda section, row: row.record.record_id[:12], numeric=False)

if __name__ == "__main__":
    main()
