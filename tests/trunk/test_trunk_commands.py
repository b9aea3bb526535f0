"""TRUNK on the command line and as a backbone like others: import, show, confusion, export, evaluate, predict."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from routed_networks import network
from small_trees import three_levels
from typer.testing import CliRunner

from backbench.cli import app
from backbench.errors import BackbenchError, UsageError
from backbench.models.build import build
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.trunk.grow import grow_tree
from backbench.trunk.store import save

HERE = Path(__file__).parent


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def digits_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("digits")
    grow_tree(Choice(name="digits"), str(HERE / "joint.yaml"), out=out, settings=Settings())
    return out


def test_import_and_show(test_data: Path, tmp_path: Path) -> None:
    said = invoke("trunk", "import", str(test_data / "trunk-upstream" / "svhn"), "--out", str(tmp_path / "svhn"))
    assert "13 nodes, 10 leaves, 3 networks, depth 2" in said
    shown = json.loads(invoke("trunk", "show", str(tmp_path / "svhn"), "--json"))
    assert round(shown["paths"]["worst"]["macs"] / 1e6) == 158
    said = invoke(
        "trunk", "show", str(tmp_path / "svhn"), "--leaves", "--class", "3", "--picture", str(tmp_path / "t.svg")
    )
    assert "worst path | 158.10" in said
    assert (tmp_path / "t.svg").read_text().startswith("<svg")


def test_latency_is_shown_by_path(tmp_path: Path) -> None:
    tree = three_levels()
    save(tmp_path, tree, network(tree))
    assert "latency, ms" in invoke("trunk", "show", str(tmp_path), "--latency")


def test_the_confusion_matrix_holds_every_image(digits_tree: Path, tmp_path: Path) -> None:
    found = json.loads(invoke("trunk", "confusion", str(digits_tree), "--dataset", "digits", "--json"))
    assert int(np.sum(found["matrix"])) == found["n"] == 359
    assert int(np.trace(found["matrix"])) == found["correct"]
    invoke("trunk", "confusion", str(digits_tree), "--dataset", "digits", "--out", str(tmp_path / "c.csv"))
    assert len((tmp_path / "c.csv").read_text().splitlines()) == 11


def test_likelihoods_and_groups_are_printed(digits_tree: Path) -> None:
    said = invoke("trunk", "likelihood", str(digits_tree), "--volatility", "0.2", "--both")
    assert "| group | classes |" in said
    assert invoke("trunk", "likelihood", str(digits_tree), "--untrained") != said


def test_a_grown_tree_is_a_backbone_like_others(digits_tree: Path) -> None:
    from backbench.api import evaluate, predict
    from backbench.data import load_dataset

    grown = json.loads((digits_tree / "growth.json").read_text())["steps"]["test"]
    for runtime in ("eager", "onnxruntime"):
        done = evaluate(f"trunk:tree={digits_tree}", dataset="digits", weights="pretrained", runtime=runtime)
        assert done.gate.passed
        assert done.predictions is not None
        assert abs(int(done.predictions.correct().sum()) - grown["correct"]) <= 2
    from PIL import Image

    digits = load_dataset(Choice(name="digits"), Settings())
    image = digits_tree / "one.png"
    Image.fromarray(digits.test.images.read([0])[0][..., 0]).save(image)
    weights = str(digits_tree / "weights.safetensors")
    (found,) = predict([image], f"trunk:tree={digits_tree}", dataset="digits", weights=weights)
    assert len(found.classes) == 5


def test_a_shipped_form_is_written(digits_tree: Path, tmp_path: Path) -> None:
    invoke("trunk", "export", str(digits_tree), "--out", str(tmp_path), "--form", "torchscript")
    assert (tmp_path / "model.pt").stat().st_size > 1000
    with pytest.raises(UsageError, match="name the --dataset"):
        invoke("trunk", "export", str(digits_tree), "--out", str(tmp_path), "--int8")


def test_the_ablation_writes_its_plot_and_says_that_it_is_shortened(tmp_path: Path) -> None:
    said = invoke(
        "trunk", "ablation", "--dataset", "digits", "--recipe", str(HERE / "phased.yaml"), "--out", str(tmp_path),
        "--from", "0.1", "--to", "1.0", "--step", "0.3", "--epochs", "1",
    )  # fmt: skip
    assert "shortened to 1 epochs a phase" in said
    points = json.loads((tmp_path / "ablation.json").read_text())["points"]
    assert [point["volatility"] for point in points] == [0.1, 0.4, 0.7, 1.0]
    assert (tmp_path / "ablation.svg").read_text().count("<circle") == 4
    trees = {json.dumps(point["groups"]) for point in points}
    steps = json.loads((tmp_path / "growth.json").read_text())["steps"]
    assert sum(name.endswith("/held-out") for name in steps) == len(trees)
    again = invoke(
        "trunk", "ablation", "--dataset", "digits", "--recipe", str(HERE / "phased.yaml"), "--out", str(tmp_path),
        "--from", "0.1", "--to", "1.0", "--step", "0.3", "--epochs", "1",
    )  # fmt: skip
    assert again.splitlines()[-6:] == said.splitlines()[-6:]


def test_a_tree_for_other_classes_is_refused(digits_tree: Path) -> None:
    with pytest.raises(UsageError, match="has 10 classes and takes 1 channels, not 7 and 1"):
        build(Choice(name="trunk", options={"tree": str(digits_tree)}), num_classes=7, in_channels=1, input_size=(8, 8))


def test_without_a_tree_the_classes_are_grouped_by_number() -> None:
    torch.manual_seed(0)
    model = build(Choice(name="trunk"), num_classes=10, in_channels=3, input_size=(16, 16))
    assert model(torch.zeros(2, 3, 16, 16)).shape == (2, 10)
    assert build(Choice(name="trunk"), num_classes=1, in_channels=1, input_size=(8, 8)) is not None


def test_a_folder_that_is_none_is_said(tmp_path: Path, digits_tree: Path) -> None:
    with pytest.raises(UsageError, match="there is no such tree"):
        invoke("trunk", "show", str(tmp_path / "none"))
    shutil.copytree(digits_tree, tmp_path / "tree")
    (tmp_path / "tree" / "tree.json").write_bytes(b"\x80\x04.")
    with pytest.raises(BackbenchError, match="this is a pickle"):
        invoke("trunk", "show", str(tmp_path / "tree"))


def test_a_packed_tree_is_half_the_bytes_and_answers_alike(digits_tree: Path, tmp_path: Path) -> None:
    assert "weights.safetensors" in invoke("trunk", "pack", str(digits_tree), "--out", str(tmp_path / "small"))
    packed = tmp_path / "small"
    assert sorted(path.name for path in packed.iterdir()) == [
        "growth.json",
        "likelihood-untrained.npy",
        "likelihood.npy",
        "tree.json",
        "weights.safetensors",
    ]
    sizes = [(place / "weights.safetensors").stat().st_size for place in (packed, digits_tree)]
    assert sizes[0] < 0.7 * sizes[1]
    counts = [
        json.loads(invoke("trunk", "confusion", str(place), "--dataset", "digits", "--json"))["correct"]
        for place in (packed, digits_tree)
    ]
    assert abs(counts[0] - counts[1]) <= 1


def test_a_tree_is_not_packed_over_itself(digits_tree: Path) -> None:
    before = (digits_tree / "weights.safetensors").read_bytes()
    with pytest.raises(UsageError, match="fp32 weights would be lost"):
        CliRunner().invoke(app, ["trunk", "pack", str(digits_tree), "--out", str(digits_tree)], catch_exceptions=False)
    assert (digits_tree / "weights.safetensors").read_bytes() == before
