"""The published trees: what they are and cost is what was published, and damaged files are named."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backbench.data import load_dataset
from backbench.errors import BackbenchError, SpecError, UsageError, WeightsError
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.trunk.cost import costs
from backbench.trunk.family import Trunk
from backbench.trunk.published import import_published
from backbench.trunk.store import open_network, save
from backbench.trunk.tree import ROOT

PUBLISHED = {  # nodes, leaves, networks, depth; MACs best, class mean, worst in M; weights best, worst in MB
    "cifar10": ((15, 10, 5, 2), (80.7, 101.3, 120.9), (0.65, 1.82)),
    "emnist": ((59, 47, 12, 3), (35.3, 159.7, 341.6), (0.17, 0.64)),
    "svhn": ((13, 10, 3, 2), (39.8, 110.7, 158.1), (0.17, 0.39)),
}


@pytest.fixture(scope="module")
def upstream(test_data: Path) -> Path:
    return test_data / "trunk-upstream"


@pytest.mark.parametrize("name", PUBLISHED)
def test_shape_and_cost_are_the_published_ones(upstream: Path, name: str) -> None:
    counts, macs, megabytes = PUBLISHED[name]
    tree, network = import_published(upstream / name)
    assert (len(tree.nodes), len(tree.leaves), len(tree.inner), tree.depth) == counts
    found = costs(tree, network)
    assert tuple(round(cost.macs / 1e6, 1) for cost in (found.best, found.mean, found.worst)) == macs
    assert tuple(round(cost.weights / 1e6, 2) for cost in (found.best, found.worst)) == megabytes


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("cifar10", [(0, 8), (1, 9), (2, 4, 7), (3, 5), (6,)]),
        ("svhn", [(0, 6, 8, 9), (1,), (2,), (3, 5), (4,), (7,)]),
    ],
)
def test_the_root_groups_are_the_published_ones(upstream: Path, name: str, groups: list[tuple[int, ...]]) -> None:
    tree, _ = import_published(upstream / name)
    assert [tree.labels(child) for child in tree.nodes[ROOT].children] == groups


def test_emnist_has_fourteen_groups_six_of_them_single(upstream: Path) -> None:
    tree, network = import_published(upstream / "emnist")
    children = tree.nodes[ROOT].children
    assert (len(children), sum(tree.nodes[child].leaf for child in children)) == (14, 6)
    assert tree.input.transposed
    assert any("padded_pointwise" in layer for layer in tree.nodes[ROOT].features)
    with torch.inference_mode():
        assert network(torch.rand(2, 1, 28, 28)).shape == (2, 47)


def test_what_is_saved_computes_the_same(upstream: Path, tmp_path: Path) -> None:
    tree, network = import_published(upstream / "svhn")
    save(tmp_path, tree, network)
    _, again = open_network(tmp_path)
    images = torch.rand(3, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(again(images), network(images))


@pytest.fixture
def copy(upstream: Path, tmp_path: Path) -> Path:
    target = tmp_path / "svhn"
    shutil.copytree(upstream / "svhn", target)
    for path in (target, *target.iterdir()):
        path.chmod(0o755)
    return target


def edit(path: Path, change: Any) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content)))


def without(name: str) -> Any:
    return lambda content: {key: value for key, value in content.items() if key != name}


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("inputs_to_models.json", without("sg8"), "ends before every child was named"),
        ("inputs_to_models.json", lambda c: {**c, "sg99": [[], 1]}, "'sg99' has no parent"),
        ("inputs_to_models.json", lambda c: list(c), "a mapping of nodes"),
        ("inputs_to_models.json", lambda c: {**c, "sg1": [[32, 14, 14], 4]}, "its parent makes"),
        ("root_supergroups.json", lambda c: {**c, "Group 2": [0]}, "groups of"),
        ("root_supergroups.json", without("Group 2"), "groups of"),
        ("target_map.json", lambda c: {**c, "5": [3, 0, -1]}, "class 5 has another path"),
    ],
)
def test_files_that_contradict_each_other(copy: Path, file: str, change: Any, sentence: str) -> None:
    edit(copy / file, change)
    with pytest.raises((SpecError, UsageError), match=sentence):
        import_published(copy)


def test_missing_weights_are_named(copy: Path) -> None:
    (copy / "sg5.pt").unlink()
    with pytest.raises(WeightsError, match="has no weights for sg5"):
        import_published(copy)


def test_extra_weights_are_named(copy: Path) -> None:
    shutil.copy(copy / "sg5.pt", copy / "sg7.pt")
    with pytest.raises(WeightsError, match="weights of no node of the tree: sg7"):
        import_published(copy)


def test_weights_of_another_node_are_refused(copy: Path) -> None:
    shutil.copy(copy / "sg5.pt", copy / "sg1.pt")
    with pytest.raises(WeightsError, match="of other shapes"):
        import_published(copy)


class Trap:
    """Unpickled, it would leave a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


@pytest.mark.parametrize("file", ["inputs_to_models.json", "root_supergroups.json", "root.pt"])
def test_a_pickled_object_never_runs(copy: Path, tmp_path: Path, file: str) -> None:
    (copy / file).write_bytes(pickle.dumps({"tree": Trap(tmp_path / "ran")}))
    with pytest.raises(BackbenchError, match=r"not opened|no weights file"):
        import_published(copy)
    assert not (tmp_path / "ran").exists()


def test_a_truncated_state_dict_is_named(copy: Path) -> None:
    (copy / "root.pt").write_bytes((copy / "root.pt").read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"root\.pt is truncated"):
        import_published(copy)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"inputs_to_models\.json: can't be read"):
        import_published(tmp_path)


@pytest.mark.parametrize(
    ("name", "dataset", "images", "least", "most"),
    [("cifar10", "cifar10", 800, 0.72, 0.80), ("emnist", "emnist-bymerge47", 300, 0.78, 0.90)],
)
def test_accuracy_is_the_published_weights_own(
    upstream: Path, test_data: Path, tmp_path: Path, name: str, dataset: str, images: int, least: float, most: float
) -> None:
    """On the first test images; the whole parts give 76.2 % of CIFAR-10 (JPEG) and 84.7 % of EMNIST (ByMerge-47)."""
    tree, network = import_published(upstream / name)
    save(tmp_path, tree, network)
    data = load_dataset(Choice(name=dataset), Settings(data_root=test_data))
    assert data.classes == tree.classes
    preprocessing = Trunk(tree=str(tmp_path)).preprocessing(data)
    places = np.random.default_rng(0).permutation(len(data.test))[:images]
    batch = torch.from_numpy(preprocessing(data.test.images.read(places)))
    with torch.inference_mode():
        found = torch.cat([network(part) for part in batch.split(100)]).argmax(1).numpy()
    assert least <= float((found == data.test.labels[places]).mean()) <= most
