"""Tables that lint was not written for: what other people published, as it stands there, and what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from backbench.linting.lint import Report, lint

PUBLISHED = Path(__file__).parent / "published"


def found(name: str, severities: tuple[str, ...] = ("error", "warning")) -> list[tuple[str, str, str]]:
    report = lint(PUBLISHED / name)
    assert report.tables > 0
    return [(one.rule, one.row, one.column) for one in report.findings if one.severity in severities]


@pytest.mark.parametrize(
    "name", ["timm-cpu.csv", "timm-imagenet.csv", "neural-compressor.md", "torch-pruning-vit.md", "gathered.md"]
)
def test_nothing_is_raised_on_tables_that_are_right(name: str) -> None:
    assert found(name) == []


def test_torch_prunings_table() -> None:
    """93.53 → 93.77 printed as +0.38; 93.26 → 92.17 as -0.09; and 93.59 → 93.36 with the wrong sign."""
    report = lint(PUBLISHED / "torch-pruning-resnet56.md")
    told = {finding.row: finding.message for finding in report.findings}
    assert list(told) == ["HRank [6]", "SFP [7]", "Ours-Group"]
    assert "92.17 − 93.26 = −1.09" in told["HRank [6]"]
    assert "93.36 − 93.59 = −0.23: the sign is wrong" in told["SFP [7]"]
    assert "+0.38 is printed, 93.77 − 93.53 = 0.24" in told["Ours-Group"]
    assert {finding.column for finding in report.findings} == {"Δ Acc (%)"}


def test_a_pruned_network_of_timm_has_all_its_parameters() -> None:
    """Its zeros are stored: 5.44 M parameters and 1.81 GMACs, as before pruning."""
    assert found("timm-amp.csv") == [("unchanged", "efficientnet_es_pruned", "param count")]
    assert found("timm-amp.csv", ("note",)) == [("batch", "", "infer batch size")]


def test_kerass_megabytes() -> None:
    report = lint(PUBLISHED / "keras.md")
    (finding,) = (one for one in report.findings if one.severity != "note")
    assert (finding.rule, finding.column) == ("mebibytes", "Model Size (MB)")
    assert finding.row == "Xception, VGG16, VGG19, ResNet50 and 5 more"


def test_another_programs_megabytes() -> None:
    """1,701,607 × 4 bytes are 6.81 MB, or 6.49 MiB; the compressed columns beside are about other files."""
    assert found("emotion.md") == [("mebibytes", "EmotionCNN (primary)", "FP32 size (MB)")]


def test_parameters_that_leave_the_zeros_out() -> None:
    assert found("counted-zeros.md") == [("bytes-per-parameter", "80%", "Model Size (MB)")]


@pytest.mark.parametrize(
    ("name", "cell", "changed", "rule"),
    [
        ("timm-cpu.csv", "resnet34,224,80.61,12.391", "resnet34,224,80.61,1.2391", "rate"),
        ("timm-cpu.csv", "12.391,1,21.8,3.67", "12.391,1,25.56,3.67", "parameters"),
        ("timm-cpu.csv", "12.391,1,21.8,3.67", "12.391,1,21.8,7.34", "macs"),
        ("timm-imagenet.csv", "86.274,13.726", "86.274,13.276", "percent"),
        ("timm-imagenet.csv", "86.274,13.726,98.092", "98.274,1.726,98.092", "percent"),
        ("neural-compressor.md", "4.26x", "2.46x", "ratio"),
        ("neural-compressor.md", "<td>-0.21%</td>\n    <td>2721.21", "<td>0.21%</td>\n    <td>2721.21", "ratio"),
        ("gathered.md", "| 17.5 |", "| 11.3 |", "macs"),
        ("gathered.md", "-11.82", "+11.82", "difference"),
        ("gathered.md", "1.124x", "1.214x", "ratio"),
    ],
)
def test_a_fault_that_is_put_in_is_found_and_nothing_else(
    tmp_path: Path, name: str, cell: str, changed: str, rule: str
) -> None:
    """One number changed in a table that is right."""
    text = (PUBLISHED / name).read_text()
    assert text.count(cell) == 1
    path = tmp_path / name
    path.write_text(text.replace(cell, changed))
    report: Report = lint(path)
    raised = [finding for finding in report.findings if finding.severity != "note"]
    assert [finding.rule for finding in raised] == [rule]
    assert abs(raised[0].line - text[: text.index(cell)].count("\n") - 1) <= 9
