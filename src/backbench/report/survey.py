"""Everything that a report is made from: the sections, what could not be read, and published tables where asked for.

One unreadable file must not take the others down: the report is made from the rest, and lists the faults on top. Only
where nothing is readable there is no report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backbench.errors import BackbenchError, UsageError
from backbench.report.comparison import baseline_of
from backbench.report.folders import listed, none_in, scan
from backbench.report.reading import Found
from backbench.report.section import Section, sections
from backbench.report.units import plain_name, plural

MAX_SAID = 400  # characters of one fault


@dataclass(frozen=True)
class Survey:
    """The records of some folders, and a sentence for each file that could not be used."""

    sections: tuple[Section, ...]
    faults: tuple[str, ...] = ()

    @property
    def fault_lines(self) -> list[str]:
        """What is listed on top: how many, then each."""
        if not self.faults:
            return []
        said = f"{plural(len(self.faults), 'file')} could not be used; everything below is computed without"
        return [f"{said} {'it' if len(self.faults) == 1 else 'them'}.", *self.faults]


def survey(folders: Sequence[Path]) -> Survey:
    """Raises UsageError where a folder is not there or holds no record, BackbenchError where no record is sound."""
    scanned = scan(folders)
    if not scanned.found and scanned.faults:
        raise BackbenchError(listed(scanned.faults))
    if not scanned.found:
        raise UsageError(none_in(folders))
    faults = [*scanned.faults, *study_faults(scanned.found)]
    return Survey(tuple(sections(scanned.found)), tuple(plain_name(fault, MAX_SAID) for fault in faults))


def study_faults(found: Iterable[Found]) -> list[str]:
    """Studies whose baseline can't be read: their rows are held against the usual one."""
    faults = []
    for folder in sorted({item.folder for item in found}):
        try:
            baseline_of(folder)
        except BackbenchError as error:
            faults.append(f"{error}; the untouched network in eager is taken instead")
    return faults
