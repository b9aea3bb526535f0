"""A tree file is one tree of every class once, or all that is wrong with it is said; a pickle is never opened."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from small_trees import data, three_levels

from backbench.errors import SpecError, UsageError
from backbench.trunk.tree import read_tree, tree_of


def changed(**nodes: Any) -> dict[str, Any]:
    """The small tree with these nodes replaced; None takes one out."""
    made = data()
    made["nodes"] = {name: node for name, node in {**made["nodes"], **nodes}.items() if node is not None}
    return made


def inner(*children: str) -> dict[str, Any]:
    return {"children": children, "features": ["conv:out=6"], "head": "mean_linear"}


def test_what_a_tree_knows() -> None:
    tree = three_levels()
    assert tree.inner == ("root", "c1", "c2")
    assert tree.depth == 3
    assert tree.labels("c1") == (1, 2, 3)
    assert tree.path("l3") == ("root", "c1", "c2", "l3")
    assert tree.target_map() == {
        0: [0, -1, -1, -1],
        1: [1, 0, -1, -1],
        2: [1, 1, 0, -1],
        3: [1, 1, 1, -1],
        4: [2, -1, -1, -1],
    }
    assert tree.shape_into("c1") == (8, 4, 4)
    assert tree.shape_into("c2") == (8, 4, 4)


def test_a_file_gives_the_tree_back(tmp_path: Path) -> None:
    tree = three_levels(routing={"second": 0.5}, provenance={"seed": 3})
    (tmp_path / "tree.json").write_text(tree.text())
    assert read_tree(tmp_path / "tree.json") == tree


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (changed(c2=inner("l2", "l3", "c1")), "child 'c2' leads back to 'c1', a cycle"),
        (changed(c2=inner("l2", "c2")), "a cycle"),
        (changed(c2=inner("l2", "root")), "child 'c1' leads back to 'root', a cycle"),
        (changed(c2=inner("l2", "l1")), "child 'l1' has another parent already"),
        (changed(l3=None), "child 'l3' is no node of the file"),
        (changed(spare={"label": 2}), "no path from 'root' leads to it"),
        (changed(root=None), "there is no node 'root'"),
        (changed(l3={"label": 2}), r"'c' \(2\) stands in 2 leaves"),
        (changed(l3={"label": 2}), r"'d' \(3\) is no leaf of the tree"),
        (changed(l3={"label": 9}), "label 9 is none of the 5 classes"),
        (changed(l3={}), "this one has neither"),
        (changed(l3={"label": 3, "features": ["conv:out=4"]}), "a leaf has no network"),
        (changed(c2={**inner("l2", "l3"), "label": 2}), "a node with children has no label"),
        (changed(c2={"children": ["l2", "l3"]}), "a node with children has a head"),
        (changed(c2={**inner("l2", "l3"), "features": ["conf:out=4"]}), "did you mean 'conv'"),
        (changed(c2={**inner("l2", "l3"), "features": ["conv:width=4"]}), "option 'width'"),
        (changed(c2={**inner("l2", "l3"), "head": "linear"}), "unknown trunk_head 'linear'"),
        ({**data(), "format": "trunk"}, "format"),
        ({**data(), "colour": 1}, "unknown field 'colour'"),
        ([], "tree"),
    ],
)
def test_what_is_wrong_is_said(wrong: Any, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        tree_of(wrong)


def test_every_complaint_at_once() -> None:
    with pytest.raises(SpecError) as error:
        tree_of(changed(l3={"label": 2}, l4={}))
    assert len(error.value.complaints) == 4


class Trap:
    """Unpickled, it would leave a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_is_refused_unread(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "tree.json").write_bytes(pickle.dumps(Trap(tmp_path / "ran"), protocol))
    with pytest.raises(UsageError, match="this is a pickle, which could run code, and was not opened"):
        read_tree(tmp_path / "tree.json")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tree.json").write_bytes(content)
    with pytest.raises(UsageError, match="this is no JSON"):
        read_tree(tmp_path / "tree.json")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_tree(tmp_path / "tree.json")


def test_a_chain_of_three_hundred_decisions_is_refused(tmp_path: Path) -> None:
    nodes: dict[str, Any] = {f"l{label}": {"label": label} for label in range(300)}
    for number in range(298):
        nodes[f"c{number}"] = inner(f"l{number}", f"c{number + 1}")
    nodes["root"], nodes["c298"] = inner("c0", "l299"), {"label": 298}
    del nodes["l298"]
    made = {"classes": [str(label) for label in range(300)], "input": {"shape": [1, 4, 4]}, "nodes": nodes}
    (tmp_path / "tree.json").write_text(json.dumps(made))
    with pytest.raises(SpecError, match="over 64 decisions lead to it"):
        read_tree(tmp_path / "tree.json")
