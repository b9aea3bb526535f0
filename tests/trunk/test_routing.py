"""The routing network: any batch gives what single images give, outputs are shares, the walk is the tree's."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from routed_networks import images, network
from small_trees import three_levels
from torch import nn

from backbench.errors import UsageError, WeightsError
from backbench.models.weights import read_weights
from backbench.techniques.fold_bn import batch_norms, folded
from backbench.trunk.networks.branch import UNVISITED
from backbench.trunk.networks.routing import visits
from backbench.trunk.store import build, open_network, save
from backbench.trunk.tree import tree_of


@pytest.mark.parametrize("second", [0.0, 0.7, 1.0])
def test_a_batch_of_n_gives_what_batches_of_one_give(second: float) -> None:
    net = network(three_levels(routing={"second": second}))
    with torch.inference_mode():
        together = net(images())
        apart = torch.cat([net(one) for one in images().split(1)])
    assert len(set(together.argmax(1).tolist())) > 1
    assert torch.equal(together.argmax(1), apart.argmax(1))
    torch.testing.assert_close(together, apart)


def test_the_hard_walk_is_arg_max_after_arg_max() -> None:
    tree = three_levels()
    net = network(tree)
    with torch.inference_mode():
        found = net(images()).argmax(1).tolist()
        for image, label in zip(images().split(1), found, strict=True):
            name, maps = "root", image
            while not tree.nodes[name].leaf:
                branch = net.nodes[name]
                maps = branch.features(maps)
                name = tree.nodes[name].children[int(branch.head(maps).argmax())]
            assert tree.nodes[name].label == label


def test_only_the_nodes_on_the_path_run() -> None:
    tree = three_levels()
    counted = visits(network(tree), images())
    assert counted["root"] == 64
    assert 0 < counted["c1"] < 64
    assert counted["c2"] <= counted["c1"]


def test_second_thoughts_visit_more_and_never_lose_the_first_child() -> None:
    sure, unsure = (visits(network(three_levels(routing={"second": t})), images()) for t in (0.0, 0.9))
    assert unsure["c1"] > sure["c1"]


def test_where_everything_is_visited_the_outputs_are_the_shares_of_the_paths() -> None:
    net = network(three_levels(routing={"second": 1.0, "width": 3}))
    with torch.inference_mode():
        outputs = net(images())
        maps = net.nodes["root"].features(images())
        root = net.nodes["root"].head(maps).log_softmax(1)
        child = net.nodes["c1"].head(net.nodes["c1"].features(maps)).log_softmax(1)
    torch.testing.assert_close(outputs.exp().sum(1), torch.ones(64))
    torch.testing.assert_close(outputs[:, 0], root[:, 0])
    torch.testing.assert_close(outputs[:, 1], root[:, 1] + child[:, 0])


def test_classes_that_were_not_visited_are_held_back() -> None:
    net = network(three_levels())
    with torch.inference_mode():
        outputs = net(images())
    best, _ = outputs.max(1)
    reached = outputs > best[:, None] - UNVISITED / 2
    assert torch.equal(outputs.argmax(1), torch.where(reached, outputs, -torch.inf).argmax(1))
    assert outputs.isfinite().all()


def test_in_training_the_loss_is_the_paths_and_every_weight_learns() -> None:
    net = network(three_levels()).train()
    labels = torch.arange(64) % 5
    outputs = net(images())
    torch.testing.assert_close(outputs.exp().sum(1), torch.ones(64))
    nn.functional.cross_entropy(outputs, labels).backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in net.parameters())


def test_transposed_weights_see_transposed_images() -> None:
    plain = network(three_levels())
    turned = build(three_levels(input={"shape": (3, 8, 8), "transposed": True}))
    turned.load_state_dict(plain.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(turned(images().transpose(2, 3)), plain(images()))


def test_an_empty_batch_has_no_rows() -> None:
    with torch.inference_mode():
        assert network(three_levels())(images()[:0]).shape == (0, 5)


def test_a_folder_gives_tree_and_weights_back(tmp_path: Path) -> None:
    tree, net = three_levels(), network(three_levels())
    save(tmp_path, tree, net)
    again_tree, again = open_network(tmp_path)
    assert again_tree == tree
    with torch.inference_mode():
        assert torch.equal(again(images()), net(images()))


@pytest.mark.parametrize(("drop", "add", "sentence"), [("nodes.c1.", "", "missing"), ("", "nodes.c9.x", "unknown")])
def test_missing_and_extra_node_weights_are_named(tmp_path: Path, drop: str, add: str, sentence: str) -> None:
    from safetensors.torch import save_file

    save(tmp_path, three_levels(), network(three_levels()))
    state = read_weights(tmp_path / "weights.safetensors")
    state = {key: tensor for key, tensor in state.items() if not (drop and key.startswith(drop))}
    if add:
        state[add] = torch.zeros(1)
    save_file(state, tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError, match=sentence):
        open_network(tmp_path)


def test_a_residual_that_narrows_is_refused_when_it_is_built() -> None:
    made = three_levels().model_dump(mode="json")
    made["nodes"]["c1"]["features"] = ["residual:out=4"]
    with pytest.raises(UsageError, match="project=true"):
        build(tree_of(made))


def test_what_can_t_be_traced_as_a_whole_is_folded_in_its_parts() -> None:
    net = network(three_levels(routing={"second": 0.6}))
    thin, _ = folded(net)
    assert batch_norms(net)
    assert not batch_norms(thin)
    with torch.inference_mode():
        torch.testing.assert_close(thin(images()), net(images()), rtol=1e-4, atol=1e-4)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r".*torch\.jit\..*")
            scripted = torch.jit.script(thin)
        torch.testing.assert_close(scripted(images()), net(images()), rtol=1e-4, atol=1e-4)
