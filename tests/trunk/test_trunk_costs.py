"""What a path costs, by hand-computed counts and by a second counter on the exported nodes."""

from __future__ import annotations

import pytest
from routed_networks import network
from small_trees import three_levels

from backbench.artefacts.cost import module_macs
from backbench.artefacts.onnx_macs import count
from backbench.trunk.cost import Costs, costs, second_thoughts
from backbench.trunk.node_graphs import node_graphs
from backbench.trunk.picture import svg
from backbench.trunk.tables import class_membership, leaf_table, path_table, summary

# root: conv 3 → 4 at 8 × 8, residual 4 → 8 at 4 × 4, head 8 → 3; c1: residual 8, head 8 → 2; c2: conv 8 → 6, head 6 → 2
ROOT = 3 * 4 * 9 * 64 + (4 * 8 * 9 + 8 * 8 * 9) * 16 + 8 * 3
C1 = 2 * 8 * 8 * 9 * 16 + 8 * 2
C2 = 8 * 6 * 9 * 16 + 6 * 2


@pytest.fixture(scope="module")
def found() -> Costs:
    tree = three_levels()
    return costs(tree, network(tree))


def test_macs_are_those_of_the_nodes_on_the_path(found: Costs) -> None:
    assert {name: cost.macs for name, cost in found.nodes.items()} == {"root": ROOT, "c1": C1, "c2": C2}
    assert [found.leaves[f"l{label}"].macs for label in range(5)] == [
        ROOT,
        ROOT + C1,
        ROOT + C1 + C2,
        ROOT + C1 + C2,
        ROOT,
    ]
    assert (found.best.macs, found.worst.macs) == (ROOT, ROOT + C1 + C2)
    assert found.mean.macs == pytest.approx((5 * ROOT + 3 * C1 + 2 * C2) / 5)


def test_weights_are_the_parameters_of_the_path(found: Costs) -> None:
    norm = 8  # bytes a channel: scale and shift
    conv = 4 * (3 * 4 * 9) + 4 * norm
    residual = 4 * (4 * 8 * 9 + 8 * 8 * 9) + 2 * 8 * norm
    head = 4 * (8 * 3 + 3)
    assert found.nodes["root"].weights == conv + residual + head
    assert found.stored == sum(cost.weights for cost in found.nodes.values())


def test_peak_activations_are_what_is_alive_at_once(found: Costs) -> None:
    """In the root three maps at once: the image, a convolution's output, and its batch-norm's."""
    image, wide = 4 * 3 * 64, 4 * 4 * 64
    assert found.nodes["root"].activations >= image + 2 * wide
    assert found.nodes["root"].activations <= image + 4 * wide
    assert found.worst.activations == max(cost.activations for cost in found.nodes.values())


def test_second_thoughts_cost_a_second_child() -> None:
    tree = three_levels(routing={"second": 0.5})
    assert second_thoughts(tree, costs(tree, network(tree))) == ROOT + C1 + C2
    wide = three_levels()
    assert second_thoughts(wide, costs(wide, network(wide))) == ROOT + C1 + C2


def test_the_dearest_path_is_what_a_record_holds() -> None:
    assert sum(module_macs(network(three_levels()), (3, 8, 8)).values()) == ROOT + C1 + C2


def test_a_second_counter_agrees_node_by_node(tmp_path, found: Costs) -> None:  # type: ignore[no-untyped-def]
    import onnx

    tree = three_levels()
    for name, graph in node_graphs(tree, network(tree)).items():
        onnx.save(graph, tmp_path / f"{name}.onnx")
        assert count(tmp_path / f"{name}.onnx").total == pytest.approx(found.nodes[name].macs, rel=0.01)


def test_tables_and_picture(found: Costs) -> None:
    tree = three_levels(classes=("a", "b", "c<", "d", "e"))
    assert summary(tree) == "8 nodes, 5 leaves, 3 networks, depth 3; 3 root groups, 2 of them single"
    assert f"| worst path | {(ROOT + C1 + C2) / 1e6:.2f} |" in path_table(tree, found)
    assert "root → c1 → c2 → l3" in leaf_table(tree, found)
    assert "| c2 | c<, d |" in class_membership(tree, 2)
    drawn = svg(tree, {"root": "1 M MACs"})
    assert "c&lt;, d" in drawn
    assert drawn.count("<rect") == 1 + len(tree.nodes)
