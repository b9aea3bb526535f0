"""The site is built strictly from docs/, and the example workflow runs commands that exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml
from typer.core import TyperGroup

from backbench.cli import app
from backbench.report.bounds import read_bound

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / "docs" / "how-to" / "backbench-gate.yml"
NEEDED = ("mkdocs", "material", "mkdocs_awesome_nav", "mkdocs_jupyter")


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in NEEDED), reason="the site's packages are not installed"
)
def test_the_site_builds_strictly_and_holds_every_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*") if path.suffix in (".md", ".ipynb")}
    pages = {page for page in pages if ".ipynb_checkpoints" not in page.parts}
    built = tmp_path / "site"
    assert [page for page in pages if not (built / page).with_suffix(".html").is_file()] == []
    start = (built / "index.html").read_text(encoding="utf-8")
    missing = [page for page in pages if page.with_suffix(".html").as_posix() not in start and page.name != "index.md"]
    assert missing == [], "every page is in the navigation"
    assert not re.search(r"(?:src|href)=\"https?://(?!squidfunk)[^\"]*\.(?:js|css|woff2?)", start), (
        "nothing is loaded from elsewhere"
    )


def test_the_page_shows_the_workflow_that_stands_beside_it() -> None:
    page = (ROOT / "docs" / "how-to" / "ci-gate.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yml\n(.*?)```", page, re.DOTALL)
    assert shown == WORKFLOW.read_text(encoding="utf-8")


def test_the_workflows_commands_exist() -> None:
    steps = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["gate"]["steps"]
    script = "\n".join(step["run"] for step in steps if "run" in step)
    commands = [shlex.split(line) for line in re.findall(r"backbench ((?:run|compare) [^|)\n]*)", script)]
    assert [words[0] for words in commands] == ["run", "compare"]
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for words in commands:
        group.commands[words[0]].make_context(words[0], words[1:])
    bounds = [word for before, word in zip(commands[1], commands[1][1:], strict=False) if before == "--fail-if"]
    assert [str(read_bound(bound)) for bound in bounds] == ["latency > 1.05", "accuracy < -0.5", "size > 1.02"]
