"""What is not in the code: pickles, YAML that makes objects, archives that choose their own paths, code from data."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import backbench
from backbench.errors import UsageError
from backbench.spec.study import parse_study
from backbench.training.recipe import parse_recipe
from backbench.trunk import recipe as grow_recipe
from backbench.tuning.space import read_space

ROOT = Path(backbench.__file__).parent
# The one reader of pickles: CIFAR-10's published files, by a reader that knows arrays of bytes and nothing that could run.
# torch's own restricted reader says by this error that a file holds more than weights.
ALLOWED = {("data/cifar10.py", "import pickle"), ("models/weights.py", "import pickle.UnpicklingError")}

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
BUILTINS = {"eval", "exec"}  # as names alone: a torch module has an eval() of its own
CALLS = {"extractall", "unpack_archive", "full_load", "unsafe_load"}
SAFE_LOADERS = {"UniqueKeys", "SafeLoader", "CSafeLoader"}


def faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, f"import {name.name}") for name in node.names if top(name.name) in MODULES)
        elif isinstance(node, ast.ImportFrom) and top(node.module or "") in MODULES:
            yield from ((node.lineno, f"import {node.module}.{name.name}") for name in node.names)
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, fault) for fault in call_faults(node))


def top(module: str) -> str:
    return module.split(".")[0]


def call_faults(node: ast.Call) -> Iterator[str]:
    name, owner = called(node.func)
    options = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
    if name in CALLS or (name in BUILTINS and not owner):
        yield f"{name}()"
    if (owner, name) == ("torch", "load") and options.get("weights_only") != "True":
        yield "torch.load without weights_only=True"
    if owner in ("np", "numpy") and name in ("load", "save") and options.get("allow_pickle", "False") != "False":
        yield "allow_pickle"
    if (owner, name) == ("yaml", "load") and options.get("Loader") not in SAFE_LOADERS:
        yield "yaml.load without a safe loader"
    if options.get("shell") == "True":
        yield "a shell"


def called(function: ast.expr) -> tuple[str, str]:
    """(name, what stands before its dot)"""
    if isinstance(function, ast.Attribute):
        return function.attr, ast.unparse(function.value)
    return (function.id, "") if isinstance(function, ast.Name) else ("", "")


def test_nothing_in_the_package_runs_what_a_file_says() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), fault)
        for path in ROOT.rglob("*.py")
        for _, fault in faults(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found - ALLOWED == set()
    assert ALLOWED - found == set(), "what is allowed and not there any more is to be taken out of the list"


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from joblib import load", "import torch; torch.load(p)", "torch.load(p, weights_only=False)",
        "np.load(p, allow_pickle=True)", "yaml.load(t, Loader=yaml.Loader)", "yaml.load(t)", "tar.extractall(p)",
        "shutil.unpack_archive(p)", "eval(t)", "exec(t)", "subprocess.run(t, shell=True)", "yaml.unsafe_load(t)",
    ],
)  # fmt: skip
def test_the_search_finds_each_kind(text: str) -> None:
    assert list(faults(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    ["torch.load(p, weights_only=True)", "np.load(p)", "yaml.safe_load(t)", "yaml.load(t, Loader=UniqueKeys)", "model.eval()"],
)  # fmt: skip
def test_the_search_lets_the_safe_forms_be(text: str) -> None:
    assert list(faults(ast.parse(text))) == []


def bomb(first: str, depth: int = 12) -> str:
    """YAML that means 10 ** depth values in a few lines, as the values of an axis."""
    lines = [f"    - &a0 [{first}]"]
    lines += [f"    - &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, depth)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        f"name: x\nfixed: {{dataset: digits}}\naxes:\n  model:\n{bomb('lol')}\n",
        "name: x\nfixed: {dataset: digits, model: &a [*a]}\n",
        "name: x\nfixed: " + "[" * 5000 + "]" * 5000,
        "!!python/object/apply:os.system [echo]",
    ],
    ids=["a bomb of aliases", "a list that holds itself", "nesting without end", "an object"],
)
def test_hostile_yaml_is_refused_in_one_short_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(text)
    readers: tuple[Callable[[], object], ...] = (
        lambda: parse_study(text),
        lambda: parse_recipe(text, "x"),
        lambda: grow_recipe.parse(text, "x", "x"),
        lambda: read_space(tmp_path / "space.yaml"),
    )
    for read in readers:
        with pytest.raises(UsageError) as caught:
            read()
        assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_the_usual_anchors_are_allowed() -> None:
    study = parse_study("fixed: &f {dataset: digits}\naxes: {model: [resnet20, vgg11]}\nbaseline: *f\n")
    assert study.axes["model"] == ["resnet20", "vgg11"]
