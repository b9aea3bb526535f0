"""Two checklists, filled from a run's records as far as records can know.

    The machine-learning reproducibility checklist, version 2.0 (J. Pineau, 2020; J. Pineau et al., "Improving
    reproducibility in machine learning research", JMLR 22, 2021): 21 points, here in short words of our own.
    The ACM's artifact review and badging, version 1.1 (2020): the criteria of its five badges.

`answered`: the records hold it, and the answer says what. `partly`: they hold a part, and the answer says what is
missing. `open`: only the author knows, and the answer says what to add. Nothing is answered on the author's behalf.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backbench.verifying.acm_badges import BADGES
from backbench.verifying.evidence import Evidence
from backbench.verifying.item import Item, State
from backbench.verifying.ml_checklist import ITEMS

MARKUP = re.compile(r"[\\*_\[\]<>|#]")
LISTS = {"ML reproducibility checklist 2.0": ITEMS, "ACM artifact badges 1.1": BADGES}


@dataclass(frozen=True)
class Filled:
    """A point with its answer, as plain data."""

    checklist: str
    section: str
    question: str
    state: State
    text: str

    def data(self) -> dict[str, Any]:
        return asdict(self)


def fill(evidence: Evidence) -> list[Filled]:
    """Every point of both lists, in their order."""
    return [filled(name, item, evidence) for name, items in LISTS.items() for item in items]


def filled(name: str, item: Item, evidence: Evidence) -> Filled:
    answer = item.answer(evidence)
    return Filled(name, item.section, item.question, answer.state, answer.text)


def markdown(filled: Sequence[Filled], title: str) -> str:
    """A list a section; the box is ticked only where the answer is whole."""
    lines = [f"# {title}", ""]
    for place, item in enumerate(filled):
        before = filled[place - 1] if place else None
        if before is None or before.checklist != item.checklist:
            lines += [f"## {item.checklist}", "", tally([one for one in filled if one.checklist == item.checklist]), ""]
        if before is None or (before.checklist, before.section) != (item.checklist, item.section):
            lines += [f"### {item.section}", ""]
        box = "x" if item.state == "answered" else " "
        lines += [f"- [{box}] **{item.question}** ({item.state})", f"  {escaped(item.text)}", ""]
    return "\n".join(lines)


def tally(filled: Sequence[Filled]) -> str:
    states = [item.state for item in filled]
    return (
        f"{states.count('answered')} of {len(states)} points answered from the records, {states.count('partly')} partly, "
        f"{states.count('open')} left open: those only the author can answer."
    )


def escaped(text: str) -> str:
    """Names come from records: none of them becomes markup. What stands between code marks is ours, and code already."""
    spans = " ".join(text.split()).split("`")
    return "`".join(span if place % 2 else MARKUP.sub(r"\\\g<0>", span) for place, span in enumerate(spans))
