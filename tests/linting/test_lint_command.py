"""`backbench lint`: what it prints, its data, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from tables import markdown
from typer.testing import CliRunner

from backbench.cli.lint import lint
from backbench.errors import UsageError

BAD = markdown("Net | Accuracy (%)", "a | 93.1", "b | 193.1")
GOOD = markdown("Net | Accuracy (%)", "a | 93.1", "b | 92.1")
NOTED = "## On a CPU\n\n" + markdown("Net | Latency (ms)", "a | 5.0")


def ran(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(lint)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    paths = {"bad": tmp_path / "bad.md", "good": tmp_path / "good.md", "noted": tmp_path / "noted.md"}
    for path, text in zip(paths.values(), (BAD, GOOD, NOTED), strict=True):
        path.write_text(text)
    return paths


def test_a_clean_table(files: dict[str, Path]) -> None:
    done = ran(files["good"])
    assert done.exit_code == 0
    assert done.stdout == f"{files['good']}: 1 table, nothing found\n"


def test_findings_fail_and_say_where(files: dict[str, Path]) -> None:
    done = ran(files["good"], files["bad"])
    assert done.exit_code == 1
    assert f"{files['bad']}:4: error [percent] table on line 1 › b › Accuracy (%): 193.1 is no share" in done.stdout
    assert done.stdout.endswith("1 table, 1 error\n")


def test_a_note_is_printed_and_fails_nothing(files: dict[str, Path]) -> None:
    done = ran(files["noted"])
    assert done.exit_code == 0
    assert "note [threads]" in done.stdout


def test_as_data(files: dict[str, Path]) -> None:
    done = ran(files["bad"], "--json")
    assert done.exit_code == 1
    (report,) = json.loads(done.stdout)
    assert (report["file"], report["tables"]) == (str(files["bad"]), 1)
    (finding,) = report["findings"]
    assert {key: finding[key] for key in ("rule", "severity", "line", "row", "column")} == {
        "rule": "percent", "severity": "error", "line": 4, "row": "b", "column": "Accuracy (%)",
    }  # fmt: skip


def test_a_file_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    done = ran(tmp_path / "missing.md")
    assert isinstance(done.exception, UsageError)
    assert done.exception.exit_code == 2


def test_a_text_without_tables_is_clean(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text("# Nothing\n")
    done = ran(path)
    assert (done.exit_code, done.stdout) == (0, f"{path}: no table of results, nothing found\n")
