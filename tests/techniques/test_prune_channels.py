"""Channels are removed from every layer that shares them, and the network runs and says what it is now."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.cost import module_macs, module_parameters
from backbench.errors import BackbenchError, SpecError
from backbench.spec.choice import Choice
from backbench.techniques import REGISTRY
from backbench.techniques.prune_channels import PruneChannels
from backbench.techniques.technique import Context
from digits_context import SMALL, digits_context, images, network

Made = Callable[..., Artefact]


@pytest.fixture
def context(shared_cache: Path) -> Context:
    return digits_context(shared_cache)


def part(**options: Any) -> PruneChannels:
    return PruneChannels.model_validate(options)


def parameters(model: nn.Module) -> int:
    return module_parameters(model)["stored"]


@pytest.mark.parametrize("name", SMALL)
def test_every_kind_of_network_becomes_smaller_and_is_rebuilt_from_its_notes(name: str, context: Context) -> None:
    model, technique = network(SMALL[name]), part(ratio=0.5)
    pruned = technique.apply(model, context)
    notes = json.loads(json.dumps(context.notes))  # as a fresh process reads them
    rebuilt = technique.rebuild(network(SMALL[name], seed=7), notes)
    rebuilt.load_state_dict(pruned.state_dict(), strict=True)
    torch.testing.assert_close(rebuilt(images()), pruned(images()))
    assert pruned(images()).shape == (4, 10)
    assert parameters(pruned) < 0.62 * parameters(model)
    macs = [sum(module_macs(each, context.shape).values()) for each in (model, pruned)]
    assert macs == context.notes["macs"]
    assert macs[1] < 0.7 * macs[0]


@pytest.mark.parametrize("importance", ["l1", "l2", "lamp", "taylor", "random"])
@pytest.mark.parametrize("scope", ["local", "global"])
def test_each_importance_in_each_scope(importance: str, scope: str, context: Context) -> None:
    model = network(SMALL["vgg16_bn"])
    pruned = part(ratio=0.3, importance=importance, scope=scope, images=16).apply(model, context)
    assert pruned(images()).shape == (4, 10)
    assert parameters(pruned) < parameters(model)
    assert all(weight.grad is None for weight in pruned.parameters())


def test_a_local_ratio_is_each_layers_own(context: Context) -> None:
    part(ratio=0.5).apply(network(SMALL["vgg16_bn"]), context)
    assert context.notes["channels"]
    assert all(after * 2 == before for before, after in context.notes["channels"].values())


def test_a_global_ratio_is_one_ranking(context: Context) -> None:
    model = network(SMALL["vgg16_bn"])
    with torch.no_grad():
        model.get_submodule("features.3").weight.mul_(0.01)
        model.get_submodule("features.4").weight.mul_(0.01)
    part(ratio=0.2, scope="global", importance="taylor", images=32).apply(model, context)
    shares = {name: after / before for name, (before, after) in context.notes["channels"].items()}
    assert len(set(shares.values())) > 1


def dead_hidden(model: nn.Module, names: list[str], unit: Callable[[nn.Module], list[nn.Module]]) -> None:
    """Half of the outputs of each named layer, and of what follows it, become zero: every second one."""
    with torch.no_grad():
        for name in names:
            for layer in unit(model.get_submodule(name)):
                for tensor in layer.parameters(recurse=False):
                    tensor[1::2] = 0


def test_channels_that_give_nothing_are_the_ones_that_go(context: Context) -> None:
    """The function stays the same: what is removed is what was zero, in every layer that shares it."""
    model = network(SMALL["resnet20"])
    for block in model.get_submodule("layer1"), model.get_submodule("layer2"), model.get_submodule("layer3"):
        dead_hidden(block, [f"{place}" for place in range(3)], lambda each: [each.conv1, each.bn1])  # type: ignore[list-item]
    pruned = part(ratio=0.5).apply(model, context)
    assert parameters(pruned) < 0.6 * parameters(model)
    torch.testing.assert_close(pruned(images()), model.eval()(images()))


def test_a_perceptrons_dead_units_are_the_ones_that_go(context: Context) -> None:
    model = network(SMALL["vit"])
    dead_hidden(model, ["blocks.0.mlp.0", "blocks.1.mlp.0"], lambda layer: [layer])
    technique = part(ratio=0.5)
    pruned, notes = technique.pruned(model, context, only="blocks.0.mlp.0")
    assert list(notes["channels"]) == ["blocks.0.mlp.0"]
    torch.testing.assert_close(pruned(images()), model(images()))


def test_heads_lose_the_same_dimensions_and_keep_their_number(context: Context) -> None:
    pruned = part(ratio=0.5).apply(network(SMALL["vit"]), context)
    attention: Any = pruned.get_submodule("blocks.0.attn")
    assert (attention.num_heads, attention.head_dim) == (3, 8)
    assert attention.qkv.out_features == 3 * 3 * 8


def test_attention_whose_dead_dimensions_go_stays_the_same_function(context: Context) -> None:
    """Softmax's divisor follows the head's width; the queries make up for it."""
    model = network(SMALL["vit"])
    qkv: Any = model.get_submodule("blocks.0.attn.qkv")
    with torch.no_grad():
        qkv.weight.reshape(3, 3, 16, 48)[:, :, 1::2] = 0
        qkv.bias.reshape(3, 3, 16)[:, :, 1::2] = 0
    groups = part(ratio=0.5).groups(model, context)
    name = next(each for each in groups if "blocks.0.attn" in each)
    pruned, _ = part(ratio=0.5).pruned(model, context, only=name)
    assert pruned.get_submodule("blocks.0.attn").head_dim == 8
    torch.testing.assert_close(pruned(images()), model(images()))


@pytest.mark.parametrize("name", ["resnet20", "vgg16_bn", "mobilenetv2", "vit", "convnext"])
def test_macs_come_down_to_the_share_that_is_asked_for(name: str, context: Context) -> None:
    part(macs=0.5, importance="l1").apply(network(SMALL[name]), context)
    before, after = context.notes["macs"]
    assert 0.35 < after / before <= 0.5


def test_widths_are_rounded(context: Context) -> None:
    part(ratio=0.3, round_to=4).apply(network(SMALL["vgg16_bn"]), context)
    assert all(after % 4 == 0 for _, after in context.notes["channels"].values())


def test_steps_end_at_the_same_width(context: Context) -> None:
    once, often = replace(context, notes={}), replace(context, notes={})
    part(ratio=0.5).apply(network(SMALL["vgg16_bn"]), once)
    part(ratio=0.5, steps=4).apply(network(SMALL["vgg16_bn"]), often)
    assert once.notes["channels"] == often.notes["channels"]


def test_what_can_not_lose_channels_is_left_alone_and_named(context: Context) -> None:
    """ResNet's parameter-free shortcut pads channels: the layers that share them keep them, as the classes do."""
    part(ratio=0.5).apply(network(SMALL["resnet20"]), context)
    stays = context.notes["left_alone"]
    assert stays["fc"] == "its outputs are the network's"
    assert "do not agree" in stays["conv1"]
    assert all(name.endswith("conv1") for name in context.notes["channels"])


def test_the_same_network_twice_gives_the_same(context: Context) -> None:
    first, second = (part(ratio=0.5, importance="random").apply(network(SMALL["vgg16_bn"]), context) for _ in range(2))
    assert all(torch.equal(tensor, second.state_dict()[key]) for key, tensor in first.state_dict().items())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ratio": 1.0}, "less than 1"),
        ({"ratio": -0.1}, "greater than 0"),
        ({"ratio": 0}, "greater than 0"),
        ({"macs": 1.5}, "less than 1"),
        ({"ratio": 0.5, "macs": 0.5}, "give one of them"),
        ({"importance": "l3"}, "'l1', 'l2', 'lamp', 'taylor' or 'random'"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        REGISTRY.build(Choice(name="prune_channels", options=options))


def test_resolved_options_are_read_back() -> None:
    once = REGISTRY.resolve(Choice(name="prune_channels", options={"macs": 0.4}))
    assert once.options["ratio"] is None
    assert REGISTRY.resolve(once) == once
    assert REGISTRY.resolve(Choice(name="prune_channels")).options["ratio"] == 0.5


def test_pruning_a_layer_away_is_refused_by_its_name(context: Context) -> None:
    with pytest.raises(BackbenchError, match=r"ratio=0.95 would remove all 8 channels of '.*'; at most ratio=0.875"):
        part(ratio=0.95).apply(network(SMALL["resnet20"]), context)


def test_a_ratio_that_leaves_one_channel_works(context: Context) -> None:
    part(ratio=0.875).apply(network(SMALL["resnet20"]), context)
    assert context.notes["channels"]["layer1.0.conv1"] == [8, 1]


def test_macs_that_can_not_be_reached_say_what_can(context: Context) -> None:
    with pytest.raises(BackbenchError, match=r"macs=0.01 can't be reached: .* of the \d+ MACs remain"):
        part(macs=0.01).apply(network(SMALL["resnet20"]), context)


@pytest.mark.parametrize("only", [None, "fc"])
def test_a_network_without_channels_to_remove_is_refused(only: str | None, context: Context) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)) if only is None else network(SMALL["resnet20"])
    with pytest.raises(BackbenchError, match="has no channels that can be removed"):
        part(ratio=0.5).pruned(model, context, only=only)


class Fixed(nn.Module):
    """Its view knows the number of channels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.first(x).view(-1, 8, 8, 8))
        return self.fc(x.reshape(-1, 512))  # type: ignore[no-any-return]


class Untraceable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1)).detach()  # type: ignore[no-any-return]


class Odd(nn.Module):
    """What it does with its own channels has no derivative, and fails where they are others."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.fc = nn.Linear(64, 8), nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.flatten(1))
        return self.fc(x * torch.arange(8))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("model", "operator"),
    [
        (Fixed(), r"at `x = self.second\(self.first\(x\).view\(-1, 8, 8, 8\)\)` in forward"),
        (Odd(), r"at `return self.fc\(x \* torch.arange\(8\)\)"),
        (Untraceable(), "no gradient of its outputs reaches a layer"),
    ],
    ids=["view", "constant", "detach"],
)
def test_a_network_that_can_not_be_traced_names_the_operator(model: nn.Module, operator: str, context: Context) -> None:
    with pytest.raises(BackbenchError, match=operator) as caught:
        part(ratio=0.5).apply(model, context)
    assert "can't be traced" in str(caught.value)


class Baked(nn.Module):
    """The stem's eight channels are written into the code; the perceptron behind it is free."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 1)
        self.fc1, self.fc2 = nn.Linear(64, 128), nn.Linear(128, 32)
        self.head = nn.Linear(32 * 8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).view(-1, 8, 64)
        x = self.fc2(torch.relu(self.fc1(x)))
        return self.head(x.flatten(1))  # type: ignore[no-any-return]


def test_channels_that_are_written_into_the_code_stay_and_the_others_go(context: Context) -> None:
    pruned = part(ratio=0.5).apply(Baked(), context)
    assert context.notes["channels"] == {"fc1": [128, 64]}
    assert context.notes["left_alone"]["stem"] == "the network does not run without some of its channels"
    assert pruned(images()).shape == (4, 10)


class Merging(nn.Module):
    """Like Swin's patch merging: four places' channels become one place's, and a norm reads them all."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 1)
        self.fc1, self.fc2 = nn.Linear(8, 32), nn.Linear(32, 8)
        self.norm, self.reduction = nn.LayerNorm(32), nn.Linear(32, 16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        x = x + self.fc2(torch.relu(self.fc1(x)))
        n, height, width, channels = x.shape
        x = x.reshape(n, height // 2, 2, width // 2, 2, channels).permute(0, 1, 3, 4, 2, 5).flatten(3)
        return self.head(self.reduction(self.norm(x)).mean((1, 2)))  # type: ignore[no-any-return]


def test_where_shared_channels_can_not_go_a_perceptrons_units_do(context: Context) -> None:
    model = Merging()
    before = copy.deepcopy(model.state_dict())
    pruned = part(ratio=0.5).apply(model, context)
    assert pruned.get_submodule("fc1").weight.shape == (16, 8)
    assert pruned(images()).shape == (4, 10)
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize("runtime", ["eager", "onnxruntime"])
def test_the_artefact_is_smaller_and_opens_in_its_runtime(artefact: Made, runtime: str) -> None:
    plain, pruned = artefact(runtime), artefact(runtime, technique="prune_channels:ratio=0.5")
    (step,) = pruned.evidence["steps"]
    assert step["verdicts"] == {
        "fewer_parameters": "yes", "more_zeros": "no", "smaller_file": "yes", "fewer_macs": "yes",
    }  # fmt: skip
    assert pruned.parameters["stored"] < 0.6 * plain.parameters["stored"]
    assert pruned.bytes < plain.bytes
    assert pruned.cost["disputed"] is None
    assert pruned.cost["counters"]["torch"] == step["notes"]["macs"][1]


def test_pruned_weights_do_not_fit_a_network_that_was_not_rebuilt(context: Context) -> None:
    pruned = part(ratio=0.5).apply(network(SMALL["vgg16_bn"]), context)
    with pytest.raises(RuntimeError, match="size mismatch"):
        network(SMALL["vgg16_bn"]).load_state_dict(pruned.state_dict())
