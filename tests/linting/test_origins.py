"""The five documents that backbench comes from, and the faults in them that can be seen from their text.

They lie beside the folder of real data; where they don't, these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from backbench.linting.finding import Finding
from backbench.linting.lint import lint


@pytest.fixture(scope="module")
def origins(test_data: Path) -> Path:
    folder = test_data.parent / "seeds"
    if not folder.is_dir():
        pytest.skip("the documents don't lie beside the test data")
    return folder


def findings(origins: Path, number: str) -> list[Finding]:
    (path,) = origins.glob(f"{number}_*")
    return list(lint(path).findings)


def having(found: list[Finding], **fields: str) -> list[Finding]:
    """Those of this rule, whose other fields hold these texts."""
    rule = fields.pop("rule", None)
    kept = (one for one in found if rule in (None, one.rule))
    return [one for one in kept if all(wanted in getattr(one, name) for name, wanted in fields.items())]


TABLES = ("EMNIST", "CIFAR10", "SVHN")


@pytest.mark.parametrize("table", TABLES)
def test_model_comparisons(origins: Path, table: str) -> None:
    found = having(findings(origins, "000"), table=table)
    (unit,) = having(found, rule="time-unit")
    assert "the unit is ms" in unit.message
    (vit,) = having(found, rule="macs", row="ViT")
    assert "17.56 G − 6.29" in vit.message
    assert "the attention modules were not counted" in vit.message
    (quantized,) = having(found, rule="quantized-larger")
    assert (quantized.row, quantized.column) == ("ResNet50 Quantized", "Memory [MB]")
    (uncounted,) = having(found, rule="macs", row="ResNet50 Quantized")
    assert uncounted.message.startswith("0.02 GFlops is printed, resnet50 makes 4.089 G")
    assert having(found, rule="protocol", row="ResNet50 Quantized"), "it was timed on the CPU, the others on a GPU"
    assert having(found, rule="macs-or-flops"), "thop's MACs are called FLOPs"


@pytest.mark.parametrize("table", TABLES[1:])
def test_rows_with_another_networks_name(origins: Path, table: str) -> None:
    found = having(findings(origins, "000"), table=table, row="DinoV2")
    assert {one.rule for one in found} >= {"wrong-name", "label", "size"}
    assert "it is what deit_tiny_patch16_224 has" in having(found, rule="size")[0].message


def test_one_pruned_network_at_two_input_sizes(origins: Path) -> None:
    (found,) = having(findings(origins, "000"), rule="macs-across-tables")
    assert (found.table, found.row) == ("CIFAR10", "VGG16 Pruned")


def test_pruning_after_training(origins: Path) -> None:
    found = findings(origins, "001")
    assert len(having(found, rule="chance")) == 5
    unchanged = having(found, rule="unchanged")
    assert [one.row for one in unchanged] == ["all 7 rows"] * 4
    jumps = having(found, rule="protocol")
    assert len(jumps) == 4
    assert "(e, v, m, r and x)" in jumps[0].message
    assert {one.rule for one in found} == {"chance", "unchanged", "protocol"}


def test_inference_techniques(origins: Path) -> None:
    found = findings(origins, "002")
    (same,) = having(found, rule="identical-times")
    assert same.message.startswith("0.000843 seconds is also the time of 1. ResNet-34")
    (large,) = having(found, rule="size")
    assert large.table == "4. ConvNeXt-T"
    assert "convnext_base" in large.message
    (unit,) = having(found, rule="mebibytes")
    assert "MiB" in unit.message
    assert len(having(found, rule="mixed-units")) == 4
    assert [one.table for one in having(found, rule="claim")] == ["1. ResNet-34", "3. EfficientNet-B0", "4. ConvNeXt-T"]
    assert len(having(found, rule="unmeasured-claim")) == 1
    assert len(having(found, rule="device")) == 4


def test_a_text_without_tables(origins: Path) -> None:
    assert findings(origins, "003") == []


def test_backbone_profile(origins: Path) -> None:
    found = findings(origins, "004")
    memory = having(found, rule="memory-of-weights")
    assert [one.table for one in memory] == ["Performance on Cityscapes", "Performance on PASCAL-VOC-2012"]
    assert "24.1 to 25" in memory[0].message
    assert [(one.rule, one.severity) for one in found if one not in memory] == [("threads", "note")]
