"""Cells as numbers, titles as columns, units by their spellings."""

from __future__ import annotations

import pytest

from backbench.linting.columns import understand
from backbench.linting.numbers import read_number
from backbench.linting.units import factor_of


@pytest.mark.parametrize(
    ("text", "value", "step", "unit"),
    [
        ("1,234.5", 1234.5, 0.1, ""),
        ("1 234 567", 1234567, 1, ""),
        ("**61.397**", 61.397, 0.001, ""),
        ("`12`", 12, 1, ""),
        ("17.05ms", 17.05, 0.01, "ms"),
        ("0.000843 seconds", 0.000843, 1e-6, "seconds"),
        ("5.21 ms +- 0.05 ms", 5.21, 0.01, "ms"),
        ("93.26 ± 0.1", 93.26, 0.01, ""),
        (r"$93.26 \pm 0.1$", 93.26, 0.01, ""),
        (r"\textbf{93.26}", 93.26, 0.01, ""),
        (r"$2.1\times$", 2.1, 0.1, "×"),
        ("2.12x", 2.12, 0.01, "×"),
        ("×2", 2, 1, "×"),
        ("20.0× faster (19.6–20.5)", 20.0, 0.1, "×"),
        ("8.6%", 8.6, 0.1, "%"),
        ("12.5 \\%", 12.5, 0.1, "%"),
        ("−0.33", -0.33, 0.01, ""),
        ("–0.33", -0.33, 0.01, ""),
        ("+0.38", 0.38, 0.01, ""),
        ("1e-3", 1e-3, 1e-3, ""),
        ("1.50e6", 1.5e6, 1e4, ""),
        ("4.1 GMACs", 4.1, 0.1, "GMACs"),
        ("196,245,706 params", 196245706, 1, "params"),
        ("93.26 (-0.33)", 93.26, 0.01, ""),
        ("~12", 12, 1, ""),
        ("76.1*", 76.1, 0.1, ""),
        ("76.1 [4]", 76.1, 0.1, ""),
        ("98.05 =", 98.05, 0.01, ""),
    ],
)
def test_numbers(text: str, value: float, step: float, unit: str) -> None:
    found = read_number(text)
    assert found is not None
    assert (found.value, found.unit) == (pytest.approx(value), unit)
    assert found.step == pytest.approx(step)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "–",
        "N/A",
        "ResNet-50",
        "10-12",
        "3.5.2",
        "2023-06-19",
        "7 days",
        "12 / 14",
        "1e999",
        "9" * 300,
        "32x32",
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("title", "kind", "factor"),
    [
        ("Inference Time per Image [s/Image]", "latency", 1.0),
        ("Inference Time (ms) [2080Ti]", "latency", 1e-3),
        ("latency_ms", "latency", 1e-3),
        ("Average Execution Time", "latency", None),
        ("Training time (h)", "other", None),
        ("FPS", "throughput", 1.0),
        ("infer_samples_per_sec", "throughput", None),
        ("Throughput (img/s)", "throughput", 1.0),
        ("infer_batch_size", "batch", None),
        ("infer_img_size", "input", None),
        ("Model Size (MB)", "size", 1e6),
        ("Size [MiB]", "size", 2**20),
        ("Allocated Memory (MB)", "memory", 1e6),
        ("# Params (M)", "parameters", 1e6),
        ("#Params", "parameters", None),
        ("param_count", "parameters", None),
        ("non-zero params (M)", "nonzero", 1e6),
        ("G-Flops", "flops", 1e9),
        ("FLOPs (M)", "flops", 1e6),
        ("MACs(G)", "macs", 1e9),
        ("infer_gmacs", "macs", 1e9),
        ("infer_macts", "other", None),
        ("Top-1 (%)", "accuracy", 1.0),
        ("top1_err", "error", None),
        ("accuracy_images", "other", None),
        ("accuracy_low", "other", None),
        ("Top-5 Acc.", "top5", None),
        (r"$\Delta$ Acc (%)", "difference", 1.0),
        ("Accuracy drop", "difference", None),
        ("Speed Up", "ratio", None),
        ("Compression ratio", "ratio", None),
        ("Pruning ratio", "other", None),
        ("Model", None, None),
        ("Dataset", None, None),
    ],
)
def test_titles(title: str, kind: str | None, factor: float | None) -> None:
    column = understand(0, title)
    assert column.kind == kind
    assert (column.unit.factor if column.unit else None) == factor


def test_a_derived_column_knows_its_metric_and_a_title_its_side_and_device() -> None:
    assert understand(0, "Δ Acc (%)").about == "accuracy"
    assert understand(0, "Latency reduction").about == "latency"
    assert [understand(0, title).side for title in ("Base (%)", "Pruned (%)", "FP32", "INT8", "Params")] == [
        "base", "new", "base", "new", "",
    ]  # fmt: skip
    assert understand(0, "FPS [2080Ti]").device == understand(1, "Inference Time (ms) [2080Ti]").device == "2080ti"
    assert understand(0, "CPU time (ms)").device == "cpu"


@pytest.mark.parametrize(
    ("text", "dimension", "factor"),
    [
        ("MiB", "bytes", 2**20),
        ("MB", "bytes", 1e6),
        ("ms/img", "time", 1e-3),
        ("GMACs", "count", 1e9),
        ("M", "count", 1e6),
    ],
)
def test_units(text: str, dimension: str, factor: float) -> None:
    assert factor_of(text) == (dimension, factor)


@pytest.mark.parametrize("text", ["", "widgets", "mm", "days"])
def test_no_units(text: str) -> None:
    assert factor_of(text) is None
