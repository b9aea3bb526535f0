"""Data goes one way: a package imports only what stands before it in the flow, and plain data never meets torch.

Read from the source of every file, imports inside functions and under TYPE_CHECKING included; what the command line
loads is read from a fresh interpreter.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import backbench

ROOT = Path(backbench.__file__).parent

# What stands on one line may import what stands on the lines above it, and nothing else of backbench.
FLOW = (
    ("errors", "settings"),
    ("spec", "registry"),  # a registry checks choices; a study's complaints are worded like a registry's
    ("statistics",),
    ("records",),
    ("data",),
    ("models",),
    ("training",),
    ("techniques",),
    ("artefacts",),
    ("runtimes",),
    ("measuring",),
    ("execute",),
    ("report",),
    ("catalogue", "assemble"),
    ("estimate", "pipeline"),
    ("api", "linting", "profiling", "trunk", "tuning", "verifying"),
    ("cli",),
)
LEVEL = {name: level for level, names in enumerate(FLOW) for name in names}
EVERYWHERE = {"backbench"}  # the package itself, for its version; what it names is imported when it is used

TORCH = {"torch", "torchvision", "timm", "torchao", "torch_pruning", "accelerate"}
HEAVY = {*TORCH, "safetensors", "onnx", "onnxscript", "onnxruntime", "openvino", "nncf", "sklearn", "scipy", "pyarrow"}
TORCHLESS = {"spec", "records", "report", "statistics", "data", "measuring"}
TORCH_FOLDERS = {
    ROOT / place for place in ("models/networks", "training", "trunk/growing", "trunk/networks")
}  # defines and trains


@dataclass(frozen=True)
class Import:
    """`module`, imported by `file` on `line`; `on_load`: when the file is imported, not when a function is called."""

    file: Path
    line: int
    module: str
    on_load: bool

    @property
    def package(self) -> str:
        """The part of backbench that the file belongs to."""
        return part_of(".".join(("backbench", *self.file.relative_to(ROOT).with_suffix("").parts)))

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def part_of(module: str) -> str:
    """`backbench.data.digits` → `data`; `backbench.pipeline` → `pipeline`; `backbench` → `backbench`."""
    steps = module.split(".")
    return steps[1] if len(steps) > 1 and steps[1] != "__init__" else steps[0]


def imports_of(file: Path, text: str | None = None) -> list[Import]:
    tree = ast.parse(text if text is not None else file.read_text(encoding="utf-8"))
    return [Import(file, line, module, on_load) for line, module, on_load in walk(tree, on_load=True)]


def walk(node: ast.AST, on_load: bool) -> Iterator[tuple[int, str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((child.lineno, name.name, on_load) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"relative import on line {child.lineno}"
            yield from ((child.lineno, module, on_load) for module in modules_of(child))
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from ((line, module, False) for line, module, _ in walk(child, on_load=False))
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from walk(child, on_load and not inside)


def modules_of(statement: ast.ImportFrom) -> list[str]:
    """`from backbench import data` means `backbench.data`; `from backbench.data import x` means `backbench.data`."""
    assert statement.module is not None
    if statement.module != "backbench":
        return [statement.module]
    inner = [name.name for name in statement.names]
    return [f"backbench.{name}" if name in LEVEL else "backbench" for name in inner]


FILES = sorted(ROOT.rglob("*.py"))
IMPORTS = [found for file in FILES for found in imports_of(file)]
OWN = [found for found in IMPORTS if found.module.split(".")[0] == "backbench"]


def test_every_package_has_a_place_in_the_flow() -> None:
    found = {path.stem if path.is_file() else path.name for path in ROOT.iterdir() if is_python(path)}
    assert found - {"__init__", "__main__"} - set(LEVEL) == set()


def is_python(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").exists()


@pytest.mark.parametrize("package", sorted(LEVEL))
def test_imports_only_what_stands_before_it(package: str) -> None:
    wrong = [
        str(found)
        for found in OWN
        if found.package == package
        and part_of(found.module) not in {package, *EVERYWHERE}
        and not before(part_of(found.module), package)
    ]
    assert wrong == []


def before(imported: str, package: str) -> bool:
    together = {"spec", "registry"}
    return LEVEL[imported] < LEVEL[package] or {imported, package} == together


@pytest.mark.parametrize("package", sorted(TORCHLESS))
def test_plain_data_never_imports_torch(package: str) -> None:
    wrong = [str(found) for found in IMPORTS if found.package == package and found.module.split(".")[0] in TORCH]
    assert wrong == []


def test_heavy_libraries_are_imported_inside_functions() -> None:
    """But in the folders that are about torch, and whatever loads torch there is imported inside functions itself."""
    heavy = {found.file: found for found in IMPORTS if found.on_load and found.module.split(".")[0] in HEAVY}
    while more := {found.file: found for found in loading(set(heavy)) if found.file not in heavy}:
        heavy |= more
    assert [str(found) for file, found in heavy.items() if file.parent not in TORCH_FOLDERS] == []


def loading(files: set[Path]) -> list[Import]:
    """The imports that load one of these files when their own file loads."""
    names = {".".join(("backbench", *file.relative_to(ROOT).with_suffix("").parts)) for file in files}
    return [found for found in OWN if found.on_load and found.module in names]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import torch", [("torch", True)]),
        ("def f():\n    import torch.nn", [("torch.nn", False)]),
        ("class A:\n    from torch import nn", [("torch", True)]),
        ("try:\n    import torch\nexcept ImportError:\n    pass", [("torch", True)]),
        ("if TYPE_CHECKING:\n    from torch import nn", [("torch", False)]),
        ("from backbench import errors", [("backbench.errors", True)]),
        ("from backbench import __version__", [("backbench", True)]),
    ],
)
def test_the_reader_of_imports(text: str, expected: list[tuple[str, bool]]) -> None:
    assert [(found.module, found.on_load) for found in imports_of(ROOT / "x.py", text)] == expected


LIGHT = """
import json, sys
from backbench.cli import main
code = 0
try:
    main()
except SystemExit as end:
    code = end.code or 0
print("\\n" + json.dumps({"code": code, "loaded": sorted(sys.modules)}))
"""
PARTS = """
import json, sys
from backbench.catalogue import REGISTRIES
for registry in REGISTRIES.values():
    for name in registry.names():
        registry.get(name)
print(json.dumps({"code": 0, "loaded": sorted(sys.modules)}))
"""
KINDS = ("models", "datasets", "techniques", "runtimes", "metrics", "recipes")


def loaded_by(program: str, *arguments: str) -> set[str]:
    """The heavy modules that a fresh interpreter holds when the program has ended well."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["code"] == 0, done.stderr
    return set(found["loaded"]) & {*(HEAVY - {"scipy"}), "scipy.stats"}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], *(["list", kind] for kind in KINDS), ["report", "--help"], ["compare", "--help"]],
    ids=" ".join,
)
def test_the_light_commands_load_nothing_heavy(arguments: list[str]) -> None:
    assert loaded_by(LIGHT, *arguments) == set()


def test_looking_at_every_part_loads_nothing_heavy() -> None:
    assert loaded_by(PARTS) == set()


NAMES = """
import json
import backbench
import backbench.pipeline, backbench.report.reading
print(json.dumps([name for name in backbench.__all__ if not callable(getattr(backbench, name))]))
"""


def test_the_public_names_are_callable_whatever_was_imported_before() -> None:
    """A package of the same name as a public function would take its place when it is imported."""
    done = subprocess.run([sys.executable, "-c", NAMES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
