"""One record explained: what its techniques changed, as plain verdicts with figures, why, and what would help."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backbench.errors import BackbenchError
from backbench.report.changes import step_text, steps
from backbench.report.explain_causes import Cause, causes
from backbench.report.explain_verdicts import Case, Verdict, against_text, case_of, verdicts
from backbench.report.folders import find_records, record_files, study_folder
from backbench.report.reading import Found
from backbench.report.rows import Row
from backbench.report.units import plain_name


@dataclass(frozen=True)
class Explanation:
    """`against` says what the verdicts compare with; `evidence` has one line a technique."""

    label: str
    against: str
    verdicts: tuple[Verdict, ...]
    causes: tuple[Cause, ...]
    evidence: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        return asdict(self)


def explain(found: Found) -> Explanation:
    """Raises BackbenchError for a cell that was not measured, with its reason."""
    record = found.record
    if record.status != "ok":
        raise BackbenchError(f"{found.path}: this cell was {record.status}: {plain_name(record.reason, 1000)}")
    case = case_of(Row(1, found), [Row(number, other) for number, other in enumerate(beside(found), 2)])
    return Explanation(
        label=plain_name(record.cell.label, 1000),
        against=against_text(case),
        verdicts=tuple(verdicts(case)) if record.cell.technique else (),
        causes=tuple(causes(case)),
        evidence=tuple(evidence(case)),
    )


def beside(found: Found) -> list[Found]:
    """The other measured records of its run; a file that can't be used is not this record's fault."""
    others: list[Found] = []
    for path in record_files(folder_of(found)):
        if path.resolve() == found.path.resolve():
            continue
        try:
            others += find_records([path])
        except BackbenchError:
            continue
    return others


def folder_of(found: Found) -> Path:
    """The folder whose records were measured together with this one."""
    folder = study_folder(found.path)
    return folder if (folder / "records").is_dir() else found.path.parent


def evidence(case: Case) -> list[str]:
    return [said for step in steps(case.row) if (said := step_text(step))]


def sentence(found: Explanation) -> str:
    """All verdicts in one line: `fewer parameters: no · smaller file: yes · …`."""
    return " · ".join(f"{verdict.question}: {verdict.answer}" for verdict in found.verdicts)
