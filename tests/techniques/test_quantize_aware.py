"""Training with fake quantization: other weights, the same network, and a conversion that really computes in integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from backbench.artefacts.artefact import Artefact
from backbench.data import load_dataset
from backbench.data.dataset import Split
from backbench.errors import Skip, UnknownName
from backbench.models.build import build, default_preprocessing
from backbench.runtimes import REGISTRY as RUNTIMES
from backbench.settings import Settings
from backbench.spec.choice import Choice, chain_text, parse_chain
from backbench.techniques.chain import resolve_chain
from backbench.techniques.quantize_aware import QuantizeAware
from backbench.techniques.technique import Context

MODEL = Choice(name="resnet20", options={"width": 4})
RECIPE = "description: a test's\nepochs: 1\nbatch: 64\noptimizer: adamw\nlr: 0.001\nprecision: fp32\n"
Made = Callable[..., Artefact]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("recipe") / "once.yaml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture(scope="module")
def context(shared_cache: Path) -> Context:
    dataset = load_dataset(Choice(name="digits"), Settings(cache=shared_cache))
    return Context(dataset, default_preprocessing(MODEL, dataset), seed=0)


def network() -> nn.Module:
    torch.manual_seed(0)
    return build(MODEL, num_classes=10, in_channels=1, input_size=(8, 8))


def test_it_is_the_same_network_with_other_weights(context: Context, recipe: str) -> None:
    mine, model = replace(context, notes={}), network()
    trained = QuantizeAware(recipe=recipe).apply(model, mine)
    before, after = model.state_dict(), trained.state_dict()
    assert list(after) == list(before)
    assert type(trained) is type(model)
    assert not torch.equal(after["conv1.weight"], before["conv1.weight"])
    assert mine.notes["fake_quantizers"] == 2 * sum(
        isinstance(layer, (nn.Conv2d, nn.Linear)) for layer in model.modules()
    )
    assert len(mine.notes["training"]["curve"]) == 1
    assert mine.notes["training"]["recipe"]["lr"] == 0.001


def test_it_is_converted_to_integer_operators(artefact: Made, recipe: str) -> None:
    chain = chain_text(resolve_chain(parse_chain(f"quantize_aware:recipe={recipe}"), "onnxruntime"))
    made = artefact("onnxruntime", technique=chain, model=str(MODEL))
    trained, converted = made.evidence["steps"]
    assert trained["notes"]["fake_quantizers"] > 0
    assert trained["verdicts"]["smaller_file"] == "no"
    assert converted["verdicts"]["smaller_file"] == "yes"
    assert converted["child"]["quantizing_operators"] > 0
    with RUNTIMES.build(Choice(name="onnxruntime")).open(made, "cpu", 1) as session:
        assert session.executed()["integer_operators"] >= 19
        outputs = session.predict(made.load_inputs())
    error = np.abs(outputs - made.load_reference()).max() / np.abs(made.load_reference()).max()
    assert error < 0.5, "the reference is the trained network, before its conversion"


def test_the_recipe_belongs_to_its_identity(recipe: str) -> None:
    assert QuantizeAware(recipe=recipe).content()["recipe"]["lr"] == 0.001
    with pytest.raises(UnknownName, match="did you mean 'short'"):
        QuantizeAware(recipe="shrt").check()


def test_a_frozen_network_can_not_be_trained(context: Context) -> None:
    with pytest.raises(Skip, match="frozen, it has no weight that can be trained"):
        QuantizeAware().apply(network().requires_grad_(False), replace(context, notes={}))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore:`torch.jit:FutureWarning")
def test_a_frozen_graph_can_not_be_trained(context: Context) -> None:
    graph = torch.jit.freeze(torch.jit.trace(network().eval(), torch.zeros(2, 1, 8, 8)))
    with pytest.raises(Skip, match="frozen TorchScript graph"):
        QuantizeAware().apply(graph, replace(context, notes={}))


def test_without_a_train_part_there_is_no_training(context: Context) -> None:
    empty = Split(context.dataset.train.images, np.empty(0, np.int64))
    with pytest.raises(Skip, match="no train or validation part"):
        QuantizeAware().apply(network(), replace(context, dataset=replace(context.dataset, train=empty), notes={}))
