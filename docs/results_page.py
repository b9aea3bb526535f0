"""Writes docs/results.md from the records under results/: a table a dataset and a condition, every number from a record.

    python docs/results_page.py [OUT]

Nothing is typed by hand; what was not measured is not in a table. A test compares the committed page with what this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from backbench.models.installed import timm_names
from backbench.report.changes import changes
from backbench.report.markdown import bullets, escape, grid, measured_only
from backbench.report.rows import Row
from backbench.report.section import Section
from backbench.report.survey import survey
from backbench.report.table import COSTS, RESULTS, Column, table

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
    "accuracy %", "95 % interval", "latency ms", "±", "mean ms", "against baseline", "front",
    "size MB", "parameters M", "MACs M", "peak memory MB", "executed",
)  # fmt: skip
RANDOM = ("random", None)  # what a cell says that has random weights


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
            yield made_of(section)
            yield from changed(section)
            yield from failed(section)


def changed(section: Section) -> Iterator[str]:
    """What each technique took away, and whether it was faster: the report's own verdicts."""
    lines = changes(section)
    if lines:
        yield "What the techniques changed:"
        yield bullets(map(escape, lines))


def failed(section: Section) -> Iterator[str]:
    """What was tried and gave no number, with its reason."""
    rows = [row for row in section.rows if row.status == "failed"]
    if rows:
        yield "Failed:"
        yield bullets(escape(f"{section.names.full(row)}: {row.record.reason}") for row in rows)


def conditions(section: Section) -> str:
    """What holds for every row: rounds where latency was measured, the host's grade, the day, versions."""
    records = [row.record for row in section.measured]
    grades = ", ".join(sorted({row.grade for row in section.measured if row.grade}))
    rounds = sorted({len(row.medians) for row in section.measured if row.medians})
    days = sorted({record.created_utc[:10] for record in records})
    named = (f"{name} {version}" for name, version in sorted(records[0].inputs["versions"].items()))
    timed = f"{span(rounds)} fresh processes a cell, host grade {grades}" if rounds else "Nothing timed"
    return f"{timed}, {span(days)}; {escape(', '.join(named))}."


def span(values: Sequence[object]) -> str:
    """`5`, or `7 to 30`, of sorted values."""
    return " to ".join(str(value) for value in dict.fromkeys((values[0], values[-1])))


def made_of(section: Section) -> str:
    """The report's own columns, with the weights' source and the record."""
    known = {column.title: column for column in (*RESULTS, *COSTS)}
    columns = (*(known[title] for title in SHOWN), WEIGHTS, RECORD)
    return grid(*measured_only(*table(section, columns)))


def weights_of(section: Section, row: Row) -> str:
    """Where a user gets them: a recipe of ours, a name of timm or torchvision with its licence, or a file's name."""
    cell = row.cell
    if cell.recipe is not None:
        start = f" from {published(cell.model.name)}" if cell.weights == "pretrained" else ""
        return f"recipe {cell.recipe}, seed {cell.seed}{start}"
    if cell.weights == "pretrained":
        return published(cell.model.name)
    if cell.weights in RANDOM:
        return f"random; published: {published(cell.model.name)}" if offered(cell.model.name) else "random weights"
    return Path(str(cell.weights)).name.partition(":")[0]


def offered(name: str) -> bool:
    """Whether published weights are to be had by the network's name."""
    return name.startswith("torchvision:") or name.partition(".")[0] in timm_names()


def published(name: str) -> str:
    """What timm says of the weights: the tag and their licence; their size stands in the table."""
    import timm

    if name == "trunk":
        return "the tree's own"
    if name.startswith("torchvision:"):
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
