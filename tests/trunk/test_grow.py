"""Growth on digits: trees that classify, the same after a kill as without one, and what stops it before it begins."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import yaml
from scipy.io import savemat

from backbench.data import load_dataset
from backbench.data.svhn import Svhn
from backbench.errors import DataError, UsageError
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.trunk.grow import Grown, grow_tree
from backbench.trunk.growing.joint import verdict
from backbench.trunk.growing.parts import of_classes, of_groups
from backbench.trunk.store import open_network

HERE = Path(__file__).parent
DIGITS = Choice(name="digits")
RECIPES = {"phased": str(HERE / "phased.yaml"), "joint": str(HERE / "joint.yaml")}


class Kill(Exception):
    """The moment at which a growth is killed."""


def grown(method: str, out: Path, **more: Any) -> Grown:
    return grow_tree(DIGITS, RECIPES[method], out=out, settings=Settings(), **more)


@pytest.fixture(scope="module", params=["phased", "joint"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Grown, list[str]]:
    said: list[str] = []
    return request.param, grown(request.param, tmp_path_factory.mktemp("whole"), tell=said.append), said


def test_a_grown_tree_classifies_and_is_evaluated_on_test_once(whole: tuple[str, Grown, list[str]]) -> None:
    method, done, _ = whole
    assert done.n == 359
    assert done.correct > 0.75 * done.n
    assert done.about["test"]["evaluations_on_test"] == 1
    assert done.tree.provenance["method"] == method
    assert len(done.tree.inner) > 1
    likelihood = np.load(next(done.folder.rglob("likelihood.npy")))
    np.testing.assert_allclose(likelihood.sum(1), 1)
    untrained = np.load(next(done.folder.rglob("likelihood-untrained.npy")))
    assert np.trace(likelihood) > np.trace(untrained)


def test_progress_names_each_step(whole: tuple[str, Grown, list[str]]) -> None:
    method, _, said = whole
    steps = {"phased": ["root/classes", "root/groups"], "joint": ["flat", "tree-0", "control", "evidence"]}[method]
    assert all(any(text.startswith(f"{step}:") for text in said) for step in steps)


def test_growing_again_trains_nothing(whole: tuple[str, Grown, list[str]]) -> None:
    method, done, _ = whole
    said: list[str] = []
    again = grown(method, done.folder, tell=said.append)
    assert (again.correct, again.tree) == (done.correct, done.tree)
    assert said == [] or not any("epoch" in text and "images/s" in text for text in said)


@pytest.mark.parametrize("moment", [1, 3, 6, 9])
def test_a_killed_growth_continues_as_if_it_never_was(
    whole: tuple[str, Grown, list[str]], tmp_path: Path, moment: int
) -> None:
    method, done, _ = whole
    with pytest.raises(Kill):
        grown(method, tmp_path, tell=killer(moment))
    again = grown(method, tmp_path)
    assert again.correct == done.correct
    assert again.tree.nodes == done.tree.nodes
    _, mine = open_network(tmp_path)
    _, theirs = open_network(done.folder)
    pairs = zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def killer(moment: int) -> Callable[[str], None]:
    """Raises at the n-th word of an epoch."""
    count = 0

    def tell(text: str) -> None:
        nonlocal count
        count += "images/s" in text
        if count == moment:
            raise Kill

    return tell


def test_a_folder_of_another_growth_is_refused(whole: tuple[str, Grown, list[str]]) -> None:
    method, done, _ = whole
    with pytest.raises(UsageError, match="another recipe or seed"):
        grown(method, done.folder, seed=1)
    journal = done.folder / "growth.json"
    kept = journal.read_text()
    journal.write_text("{")
    try:
        with pytest.raises(DataError, match="no journal of a growth"):
            grown(method, done.folder)
    finally:
        journal.write_text(kept)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.1, 0.9, "the tree pays"), (-0.9, -0.1, "the tree does not pay"), (-0.22, 0.38, "can't tell")],
)
def test_no_claim_is_made_where_the_interval_holds_zero(low: float, high: float, said: str) -> None:
    assert verdict(low, high) == said


def test_evidence_says_what_it_rests_on(tmp_path: Path) -> None:
    done = grown("joint", tmp_path)
    evidence = done.about["evidence"]
    assert evidence["kept"] == "tree-0"
    assert evidence["control"]["groups"] == []
    control, tree = evidence["control"]["macs"], evidence["trials"][0]["macs"]
    assert control["worst"] == pytest.approx(tree["worst"], rel=0.05)
    low, high = evidence["interval_pp"]
    assert low <= evidence["tree_minus_control_pp"] <= high
    assert evidence["verdict"] == verdict(low, high)
    rows = done.about["calibration"]["second_thoughts"]
    assert [row["second"] for row in rows] == sorted(row["second"] for row in rows)
    assert rows[0]["child_runs"] <= rows[-1]["child_runs"]


@pytest.mark.parametrize(("volatility", "sentence"), [(1e-9, "merges all 10 classes"), (1e9, "merges no two of 10")])
def test_a_volatility_that_merges_everything_or_nothing_leaves_the_node_flat(
    tmp_path: Path, volatility: float, sentence: str
) -> None:
    recipe = yaml.safe_load((HERE / "phased.yaml").read_text())
    recipe["general"]["volatility"] = volatility
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    said: list[str] = []
    done = grow_tree(DIGITS, str(tmp_path / "r.yaml"), out=tmp_path / "tree", settings=Settings(), tell=said.append)
    assert done.tree.inner == ("root",)
    assert done.tree.depth == 1
    assert any(sentence in text for text in said)


def test_groups_that_no_volatility_gives_leave_the_control(tmp_path: Path) -> None:
    recipe = yaml.safe_load((HERE / "joint.yaml").read_text())
    (tmp_path / "r.yaml").write_text(yaml.safe_dump({**recipe, "groups": [16, 16]}))
    said: list[str] = []
    done = grow_tree(DIGITS, str(tmp_path / "r.yaml"), out=tmp_path / "tree", settings=Settings(), tell=said.append)
    assert done.about["evidence"]["kept"] == "control"
    assert done.tree.inner == ("root",)
    assert any("no volatility gives 16 to 16 groups" in text for text in said)


def write_images(root: Path, classes: list[int]) -> Path:
    """A folder of images, a folder a class, the given numbers of images in each."""
    from PIL import Image

    for part, share in (("train", 1.0), ("test", 0.5)):
        for label, count in enumerate(classes):
            folder = root / part / f"class{label}"
            folder.mkdir(parents=True)
            for number in range(int(count * share)):
                pixels = np.random.RandomState(number + 100 * label).randint(0, 256, (8, 8, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


def test_a_class_with_no_held_out_images_is_named(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", [30, 30, 2])
    with pytest.raises(DataError, match="validation part holds no image of 'class2'"):
        grow_tree(Choice(name=str(images)), RECIPES["joint"], out=tmp_path / "tree", settings=Settings())
    assert not (tmp_path / "tree").exists()


def test_svhn_grows_from_its_own_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file as MATLAB writes it: axes height, width, channel, image, and 10 for the digit 0."""
    counts: ClassVar[dict[str, int]] = {"train_32x32.mat": 200, "test_32x32.mat": 40}  # type: ignore[misc]
    monkeypatch.setattr(Svhn, "counts", counts)
    (tmp_path / "svhn").mkdir()
    for seed, (name, count) in enumerate(counts.items()):
        labels = np.arange(count) % 10
        images = np.random.RandomState(seed).randint(0, 60, (count, 32, 32, 3)).astype(np.uint8)
        images[np.arange(count), 3 * labels, :] = 255  # a bright row whose height is the digit
        content = {"X": images.transpose(1, 2, 3, 0), "y": np.where(labels == 0, 10, labels)[:, None]}
        savemat(tmp_path / "svhn" / name, content)
    done = grow_tree(
        Choice(name="svhn"), RECIPES["joint"], out=tmp_path / "tree", settings=Settings(data_root=tmp_path)
    )
    assert done.n == 40
    assert done.tree.input.shape == (3, 32, 32)
    assert len(done.tree.classes) == 10


def test_parts_hold_the_images_of_their_classes_with_new_labels() -> None:
    digits = load_dataset(DIGITS, Settings())
    part = of_classes(digits, (7, 3))
    assert part.classes == ("7", "3")
    assert len(part.train) == int(np.isin(digits.train.labels, (3, 7)).sum())
    place = int(np.flatnonzero(digits.train.labels == 7)[0])
    same = int(np.flatnonzero(part.train.labels == 0)[0])
    assert np.array_equal(part.train.images.read([same])[0], digits.train.images.read([place])[0])
    merged = of_groups(digits, ((0, 1), (5,)))
    assert merged.classes == ("0+1", "5")
    assert set(merged.test.labels) == {0, 1}


def test_the_journal_is_plain_json(whole: tuple[str, Grown, list[str]]) -> None:
    _, done, _ = whole
    content = json.loads((done.folder / "growth.json").read_text())
    assert set(content) == {"key", "digest", "steps"}
