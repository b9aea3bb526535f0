"""What every registered technique keeps."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.store import sha256
from backbench.data import load_dataset
from backbench.errors import SpecError, UnknownName
from backbench.models.build import build, default_preprocessing
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.techniques import REGISTRY
from backbench.techniques.technique import Context, Technique

Made = Callable[..., Artefact]
MODEL = Choice(name="resnet20")
EXAMPLES = {"distill": {"teacher": "resnet20", "teacher_recipe": "short"}}  # options of parts that can't do without


@pytest.fixture(scope="module")
def context(shared_cache: Path) -> Callable[[], Context]:
    settings = Settings(cache=shared_cache)
    dataset = load_dataset(Choice(name="digits"), settings)
    return lambda: Context(dataset, default_preprocessing(MODEL, dataset), seed=0, settings=settings)


def example(name: str) -> Technique:
    return REGISTRY.build(Choice(name=name, options=EXAMPLES.get(name, {})))


def of_stage(stage: str) -> list[str]:
    return [name for name in REGISTRY.names() if REGISTRY.get(name).stage == stage]


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return build(MODEL, num_classes=10, in_channels=1, input_size=(8, 8))


@pytest.mark.parametrize("name", of_stage("module"))
def test_the_network_it_was_given_is_left_alone(name: str, context: Callable[[], Context]) -> None:
    model = network()
    before = copy.deepcopy(model.state_dict())
    changed = example(name).apply(model, context())
    assert changed is not model
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    kept = changed.state_dict()
    assert kept.keys() != before.keys() or any(not torch.equal(tensor, before[key]) for key, tensor in kept.items())


@pytest.mark.parametrize("name", of_stage("module"))
def test_the_same_seed_gives_the_same_network(name: str, context: Callable[[], Context]) -> None:
    first, second = (example(name).apply(network(), context()).state_dict() for _ in range(2))
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())


@pytest.mark.parametrize("name", of_stage("module"))
def test_its_weights_fit_the_network_that_its_notes_rebuild(name: str, context: Callable[[], Context]) -> None:
    technique, notes = example(name), context()
    changed = technique.apply(network(), notes)
    rebuilt = technique.rebuild(network(), notes.notes)
    rebuilt.load_state_dict(changed.state_dict(), strict=True)
    batch = torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(rebuilt.eval()(batch), changed.eval()(batch))


@pytest.mark.parametrize("name", of_stage("graph"))
def test_the_file_it_was_given_is_left_alone(
    name: str, artefact: Made, context: Callable[[], Context], tmp_path: Path
) -> None:
    source = artefact("onnxruntime").folder / "model.onnx"
    before, technique = sha256(source), REGISTRY.build(Choice(name=name)).resolve("onnxruntime")
    for target in ("first.onnx", "second.onnx"):
        technique.apply_file(source, tmp_path / target, context())
    assert sha256(source) == before
    assert sha256(tmp_path / "first.onnx") == sha256(tmp_path / "second.onnx") != before
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["first.onnx", "second.onnx"]


@pytest.mark.parametrize("name", REGISTRY.names())
def test_a_wrong_option_names_itself(name: str) -> None:
    with pytest.raises(SpecError, match="unknown option 'no_such'"):
        REGISTRY.build(Choice(name=name, options={"no_such": 1}))


def test_an_unknown_name_has_its_nearest_match() -> None:
    with pytest.raises(UnknownName, match="did you mean 'quantize_static'"):
        REGISTRY.build(Choice(name="quantise_static"))


def test_a_part_without_its_method_says_where_it_works(context: Callable[[], Context]) -> None:
    with pytest.raises(TypeError, match="exported file"):
        Technique().apply(network(), context())
