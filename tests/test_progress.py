"""What a long run tells where its output is a file."""

from __future__ import annotations

import time

import pytest

from backbench.cli import progress
from backbench.pipeline import Progress


def test_the_last_line_is_told_even_where_lines_came_quickly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that announces an hour of training must not be lost because another came just before it."""
    monkeypatch.setattr(progress, "QUIET_SECONDS", 1.0)
    with progress.shown() as tell:
        for text in ("first", "second", "a training of an hour"):
            tell(Progress("prepare", text))
        told = ""
        until = time.monotonic() + 30
        while "an hour" not in told and time.monotonic() < until:
            time.sleep(0.05)
            told += capsys.readouterr().err
    assert told.splitlines()[0] == "prepare: first"
    assert told.splitlines()[-1] == "prepare: a training of an hour"
    assert "second" not in told


def test_what_was_not_normal_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown() as tell:
        tell(Progress("measure", "round 1"))
        tell(Progress("measure", "round 1: 1 of 4 cells are voided"))
        tell(Progress("measure", "round 2"))
    assert capsys.readouterr().err.splitlines() == ["measure: round 1", "measure: round 1: 1 of 4 cells are voided"]
