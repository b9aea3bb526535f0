"""What a chain of techniques changed, as separate plain verdicts (rule 17), each with the figures that it stands on.

A network is held against its parent: the same cell with a shorter chain, the longest that was measured in the same folder. Sizes are then
those of the two deployable files. Where no parent was measured, the evidence of the last step stands in: that step alone against
what it was given; speed and accuracy can't be told then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backbench.report.changes import by_cell, parent_of, steps
from backbench.report.comparison import Versus, against
from backbench.report.rows import Row, number_in
from backbench.report.table import signed, speed_text
from backbench.report.units import digits, mb, millions
from backbench.spec.choice import chain_text
from backbench.statistics.accuracy import Difference, no_worse

LEAST = 0.01  # a quantity that moved by less is the same: folded batch norms, tables of a quantized file
MARGIN = 1.0  # percentage points: "kept" means that a larger loss is excluded
UNKNOWN = "can't tell"


@dataclass(frozen=True)
class Verdict:
    """`question: answer (figures)`; the answer is yes, no or can't tell, or of accuracy kept, lost, gained."""

    question: str
    answer: str
    figures: str = ""

    def __str__(self) -> str:
        return f"{self.question}: {self.answer}" + (f" ({self.figures})" if self.figures else "")


@dataclass(frozen=True)
class Case:
    """A measured row with its parent, if it was measured, and how it stands to it."""

    row: Row
    base: Row | None
    versus: Versus | None

    @property
    def quantities(self) -> dict[str, tuple[float | None, float | None]]:
        """stored, nonzero, bytes and macs: (parent's, this one's)."""
        if self.base is not None:
            pairs = zip(of_row(self.base).items(), of_row(self.row).values(), strict=True)
            return {name: (before, after) for (name, before), after in pairs}
        last: Mapping[str, Any] = (steps(self.row) or [{}])[-1]
        return {
            name: (number_in(last.get("parent"), name), number_in(last.get("child"), name)) for name in of_row(self.row)
        }

    def changed(self, name: str) -> str:
        """Whether this quantity is smaller than the parent's: yes, no, or can't tell."""
        before, after = self.quantities[name]
        if before is None or after is None:
            return UNKNOWN
        return "yes" if after < before * (1 - LEAST) else "no"


def of_row(row: Row) -> dict[str, float | None]:
    return {
        "stored": row.parameters("stored"),
        "nonzero": row.parameters("nonzero"),
        "bytes": row.size,
        "macs": None if row.disputed else row.macs,
    }


def case_of(row: Row, others: Sequence[Row]) -> Case:
    """The row against the longest shorter chain among the others that is the same otherwise."""
    base = parent_of(row, by_cell(others))
    return Case(row, base, against([(row, base)])[row.number] if base else None)


def verdicts(case: Case) -> list[Verdict]:
    """All of them, in the order in which they are always said."""
    return [
        quantity(case, "fewer parameters", "stored", millions, "M"),
        zeros(case),
        quantity(case, "smaller file", "bytes", mb, "MB"),
        quantity(case, "fewer MACs", "macs", millions, "M"),
        speed(case),
        accuracy(case),
    ]


def quantity(case: Case, question: str, name: str, form: Callable[[float | None], str], unit: str) -> Verdict:
    before, after = case.quantities[name]
    answer = case.changed(name)
    if before is None or after is None:
        return Verdict(question, answer, "not recorded")
    if answer == "yes":
        return Verdict(question, answer, f"{form(before)} → {form(after)} {unit}, {digits(before / after, 3)}× fewer")
    return Verdict(question, answer, f"{form(before)} → {form(after)} {unit}")


def zeros(case: Case) -> Verdict:
    """Stored weights that are zero: removed ones are none of them."""
    (stored, held), (dense, left) = case.quantities["stored"], case.quantities["nonzero"]
    if stored is None or held is None or dense is None or left is None:
        return Verdict("more zeros", UNKNOWN, "not recorded")
    before, after = stored - dense, held - left
    answer = "yes" if after > before + held * LEAST else "no"
    return Verdict("more zeros", answer, f"{millions(before)} → {millions(after)} M of {millions(held)} M stored")


def speed(case: Case) -> Verdict:
    """`faster here`: on the host of the record, within its rounds."""
    found = case.versus
    if found is None or found.ratio is None:
        return Verdict("faster here", UNKNOWN, "its parent was not measured beside it")
    answer = {"faster": "yes", "slower": "no", "same": "no"}.get(found.verdict or "", UNKNOWN)
    return Verdict("faster here", answer, speed_text(found))


def accuracy(case: Case) -> Verdict:
    """Kept: a loss over the margin is excluded. A large p alone is no equality."""
    found = case.versus.difference if case.versus else None
    if found is None:
        return Verdict("accuracy", UNKNOWN, why_no_accuracy(case))
    p = case.versus.p if case.versus and case.versus.p is not None else found.p
    said = f"{signed(found.pp)} pp [{signed(found.low)}, {signed(found.high)}] of {found.n:,} images, McNemar p = {digits(p, 2)}"
    return Verdict("accuracy", accuracy_answer(found, p), said)


def accuracy_answer(found: Difference, p: float) -> str:
    if p < 0.05:
        return f"{'lost' if found.pp < 0 else 'gained'} {digits(abs(found.pp), 2)} pp"
    return f"kept within {MARGIN:g} pp" if no_worse(found, MARGIN) == "yes" else UNKNOWN


def why_no_accuracy(case: Case) -> str:
    if not case.row.trained:
        return "the head was never trained on this dataset"
    if case.row.accuracy is None:
        return "no predictions were recorded"
    return "its parent was not measured on the same images"


def against_text(case: Case) -> str:
    """What the verdicts are against."""
    if case.base is not None:
        return f"against {chain_text(case.base.cell.technique)} (record {case.base.record.record_id[:12]})"
    return "against what its last technique was given: no parent was measured in this folder"
