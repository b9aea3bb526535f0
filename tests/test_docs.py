"""The docs say what the code does: generated pages are fresh, examples run or are read, links lead somewhere."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

import backbench
from backbench.cli import app
from backbench.spec.study import parse_study

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MARKDOWN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Example:
    """A fenced block; what stands behind the language, as in ```console needs=CIFAR-10, says why it is not run."""

    file: Path
    line: int
    language: str
    note: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        """The lines behind `$`, continued ones joined."""
        lines = re.sub(r"\\\n\s*", "", self.text).splitlines()
        return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"


def examples(*languages: str) -> list[Example]:
    return [example for file in MARKDOWN for example in examples_in(file) if example.language in languages]


def examples_in(file: Path) -> Iterator[Example]:
    text = file.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Example(file, line, found[1], found[2].strip(), found[3])


def test_generated_pages_are_fresh(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(DOCS / "generate.py"), str(tmp_path)], check=True)
    written = sorted(tmp_path.iterdir())
    assert {page.suffix for page in written} == {".md", ".json"}
    for page in written:
        kept = DOCS if page.suffix == ".md" else Path(backbench.__file__).parent / "schemas"
        assert (kept / page.name).read_text() == page.read_text(), f"{page.name} is not fresh: make docs"


def test_the_results_are_those_of_the_records(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(DOCS / "results_page.py"), str(tmp_path)], check=True)
    written = (tmp_path / "results.md").read_text()
    assert (DOCS / "results.md").read_text() == written, "results.md is not fresh: make docs"
    assert len(re.findall(r"\| [0-9a-f]{12} \|$", written, re.MULTILINE)) >= 9


def test_the_runtimes_page_is_that_of_the_records(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(DOCS / "runtimes_page.py"), str(tmp_path)], check=True)
    written = (tmp_path / "runtimes.md").read_text()
    assert (DOCS / "runtimes.md").read_text() == written, "runtimes.md is not fresh: make docs"
    assert len(re.findall(r"^\| convnext_base \|", written, re.MULTILINE)) >= 6  # a row in each table


@pytest.mark.parametrize("example", examples("console"), ids=str)
def test_commands_in_the_docs_exist(example: Example) -> None:
    assert example.commands
    for words in example.commands:
        if words[0] == "backbench":
            read_arguments(words[1:])
        elif words[0] == "make":
            makefile = (ROOT / "Makefile").read_text()
            assert all(f"\n{target}:" in makefile for target in words[1:])


def read_arguments(words: list[str]) -> None:
    """Raises where a command, an option or its type is not the program's; runs nothing."""
    command: Any = typer.main.get_command(app)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    if words not in (["--help"], ["--version"]):
        command.make_context("backbench", list(words))


@pytest.mark.parametrize("example", [one for one in examples("console") if not one.note], ids=str)
def test_commands_in_the_docs_run(example: Example, tmp_path: Path) -> None:
    for words in example.commands:
        if words[0] == "backbench":
            done = subprocess.run(
                [sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("example", examples("python"), ids=str)
def test_python_in_the_docs(example: Example, tmp_path: Path) -> None:
    ast.parse(example.text)
    if not example.note:
        script = tmp_path / "example.py"
        script.write_text(example.text)
        subprocess.run([sys.executable, script.name], cwd=tmp_path, check=True)


@pytest.mark.parametrize("example", examples("yaml"), ids=str)
def test_yaml_in_the_docs(example: Example) -> None:
    parse_study(example.text, str(example))


@pytest.mark.parametrize("file", MARKDOWN, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(file: Path) -> None:
    targets = [target for target in LINK.findall(file.read_text(encoding="utf-8")) if "://" not in target]
    lost = [target for target in targets if not resolves(file, target)]
    assert lost == []


def resolves(file: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    page = (file.parent / path).resolve() if path else file
    if not page.exists():
        return False
    return not anchor or anchor in {slug(line) for line in page.read_text().splitlines() if line.startswith("#")}


def slug(heading: str) -> str:
    """A heading as its anchor: lower case, blanks as hyphens, no punctuation."""
    words = re.sub(r"[^\w\s-]", "", heading.lstrip("#").strip().lower())
    return re.sub(r"\s", "-", words)


def tracked() -> list[Path]:
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout: which files are the project's is not known")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("the address of a package index", r"https?:[/]{2}[\w.-]+/(simple|packages|debian)(/|\"|$)|index[-]url"),
        ("a path of one machine", r"(^|[^\w.])[/](home|root|Users|work|opt)[/]\w"),
    ],
)
def test_no_tracked_file_holds(what: str, pattern: str) -> None:
    wanted = re.compile(pattern, re.MULTILINE)
    texts = {path: path.read_bytes() for path in tracked()}
    held = [str(path.relative_to(ROOT)) for path, data in texts.items() if wanted.search(data.decode(errors="replace"))]
    assert held == [], f"{what} stands in {held}"
