"""A finding: one thing that was checked, which one, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["pass", "fail", "can't tell", "not checked"]
SEVERITY: dict[Verdict, int] = {"pass": 0, "not checked": 0, "can't tell": 1, "fail": 2}
EXIT = {0: 0, 1: 3, 2: 1}


@dataclass(frozen=True)
class Finding:
    """`kind` says what (record, weights, dataset, latency, …), `name` which one, `detail` the evidence.

    "can't tell": a verdict was asked for and the evidence carries none. "not checked": what it takes is not here, and
    nobody asked for it by name.
    """

    kind: str
    name: str
    verdict: Verdict
    detail: str

    def data(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.verdict:<11} {self.kind:<9} {self.name}: {self.detail}"


def exit_code(findings: Iterable[Finding]) -> int:
    """1 where one failed, else 3 where one can't be told, else 0."""
    return EXIT[max((SEVERITY[finding.verdict] for finding in findings), default=0)]


def failed(findings: Iterable[Finding]) -> bool:
    return any(finding.verdict == "fail" for finding in findings)
