"""The files of a report: report.md, report.html, report.csv and the plots, made together from one reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backbench.records.store import write_atomically
from backbench.report import index
from backbench.report.csv import csv_text
from backbench.report.html.document import html_text
from backbench.report.markdown import pictures, report_text
from backbench.report.published.beside import Beside, beside
from backbench.report.published.words import markdown_parts
from backbench.report.survey import Survey, survey
from backbench.report.terminal import Shown, shown


@dataclass(frozen=True)
class Written:
    """The files, and what a terminal prints."""

    paths: tuple[Path, ...]
    shown: Shown


def write_report(folder: Path, folders: Sequence[Path]) -> list[Path]:
    """Writes the report of these run folders into `folder`; the files written.

    Raises UsageError where there is nothing to report, BackbenchError where no record is sound or nothing can be
    written. Faulty records beside sound ones are listed on top of the report.
    """
    return list(make_report(folder, folders).paths)


def make_report(folder: Path, folders: Sequence[Path], published: str | None = None) -> Written:
    """As `write_report`, with what is printed; `published` names a published document to stand beside it."""
    state = index.state_of(folders, published or "")
    if known := index.kept(folder, state):
        return Written(tuple(folder / name for name in known.files), known.shown)
    found = survey(folders)
    texts = report_files(found, beside(published, found.sections) if published else None)
    for name, text in texts.items():
        write_atomically(folder / name, text)
    said = shown(found)
    index.keep(folder, state, list(texts), said)
    return Written(tuple(folder / name for name in texts), said)


def report_files(found: Survey, published: Beside | None = None) -> Mapping[str, str]:
    """File name → its text."""
    plots = pictures(found.sections)
    parts = markdown_parts(published) if published else []
    return {
        "report.md": report_text(found, plots, parts),
        "report.html": html_text(found, published),
        "report.csv": csv_text(found.sections),
        **plots,
    }
