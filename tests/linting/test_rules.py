# ruff: noqa: E501  (a table reads best with its rows in one line)
"""Each rule on a small table with its fault, and on the same table without."""

from __future__ import annotations

import pytest
from tables import found_in, markdown, places

FOUND = {
    "a difference": (
        markdown("Net | Base acc (%) | Pruned acc (%) | Δ acc", "a | 93.5 | 93.2 | -0.3", "b | 92.0 | 91.0 | -1.0", "c | 90.0 | 89.5 | -0.1"),
        [("difference", "c", "Δ acc")],
        "89.5 − 90.0 = −0.5",
    ),
    "a sign": (
        markdown("Net | Original top-1 | Quantized top-1 | Drop", "a | 76.1 | 75.9 | 0.2", "b | 71.8 | 71.0 | 0.8", "c | 80.0 | 79.1 | -0.9"),
        [("difference", "c", "Drop")],
        "the sign is wrong",
    ),
    "a speed-up inside a row": (
        markdown("Net | FP32 latency (ms) | INT8 latency (ms) | Speed-up", "a | 10.0 | 5.0 | 2.0x", "b | 9.0 | 3.0 | 3.0x", "c | 8.0 | 5.0 | 2.6x"),
        [("ratio", "c", "Speed-up")],
        "8.0 ÷ 5.0 = 1.6",
    ),
    "a speed-up against the baseline's row": (
        markdown("Form | Latency (ms) | Speed-up", "eager | 10.0 | 1.0x", "a | 5.0 | 2.0x", "b | 4.0 | 2.5x", "c | 2.5 | 4.0x", "d | 2.0 | 6.0x"),
        [("ratio", "d", "Speed-up")],
        "10.0 ÷ 2.0 = 5",
    ),
    "rate and time": (
        markdown("Net | Latency (ms) | FPS", "a | 10.0 | 100", "b | 20.0 | 50", "c | 25.0 | 55"),
        [("rate", "c", "FPS")],
        "25.0 means 40 images a second",
    ),
    "rate and time at a stated batch": (
        "Batch size 8.\n\n" + markdown("Net | Latency (ms) | Throughput (img/s)", "a | 10.0 | 800", "b | 20.0 | 400", "c | 40.0 | 100"),
        [("rate", "c", "Throughput (img/s)")],
        "the batch is 8",
    ),
    "seconds that are milliseconds, by the rate": (
        "Batch size 1.\n\n" + markdown("Net | Latency (s) | FPS", "a | 10.0 | 100", "b | 20.0 | 50"),
        [("time-unit", "all rows", "Latency (s)")],
        "the time is in ms",
    ),
    "seconds that are milliseconds, by the MACs": (
        markdown("Net | Time (s) | MACs (G)", "ResNet-50 | 6.2 | 4.09", "VGG-16 | 9.5 | 15.5", "ConvNeXt-B | 9.9 | 15.4"),
        [("time-unit", "all rows", "Time (s)")],
        "the unit is ms",
    ),
    "over 100 %": (
        markdown("Net | Accuracy (%)", "a | 93.1", "b | 193.1"),
        [("percent", "b", "Accuracy (%)")],
        "0 to 100 %",
    ),
    "a fraction among percentages": (
        markdown("Net | Accuracy", "a | 93.1", "b | 0.925", "c | 91.0"),
        [("percent", "b", "Accuracy")],
        "a fraction of one",
    ),
    "top-1 over top-5": (
        markdown("Net | Top-1 | Top-5", "a | 76.1 | 92.9", "b | 92.0 | 75.5"),
        [("percent", "b", "Top-1")],
        "top-1 92.0 is over top-5 75.5",
    ),
    "accuracy and error": (
        markdown("Net | Top-1 | Top-1 err", "a | 76.1 | 23.9", "b | 75.0 | 26.0"),
        [("percent", "b", "Top-1 err")],
        "make 101, not 100",
    ),
    "chance": (
        "## CIFAR-10\n\n" + markdown("Net | Accuracy (%)", "a | 9.6", "b | 11.4", "c | 8.3", "d | 10.0", "e | 12.5"),
        [("chance", "all rows", "Accuracy (%)")],
        "guessing among 10 classes",
    ),
    "another network's parameters": (
        markdown("Net | Params (M)", "ResNet-18 | 11.7", "ResNet-50 | 44.5"),
        [("parameters", "ResNet-50", "Params (M)")],
        "resnet101's",
    ),
    "parameters counted twice": (
        markdown("Net | Params (M)", "ResNet-18 | 23.4"),
        [("parameters", "ResNet-18", "Params (M)")],
        "counted double",
    ),
    "parameters in another unit": (
        markdown("Net | Params (M)", "MobileNetV2 | 3505"),
        [("parameters", "MobileNetV2", "Params (M)")],
        "the unit is too large by 1,000",
    ),
    "MACs without attention": (
        markdown("Net | GMACs", "ResNet-50 | 4.1", "VGG-16 | 15.5", "ViT-B/16 | 11.3"),
        [("macs", "ViT-B/16", "GMACs")],
        "the attention modules were not counted",
    ),
    "MACs without attention's products": (
        markdown("Net | GMACs", "ResNet-50 | 4.1", "VGG-16 | 15.5", "DeiT-Tiny | 1.08"),
        [("macs", "DeiT-Tiny", "GMACs")],
        "the products of attention were not counted",
    ),
    "FLOPs called MACs": (
        markdown("Net | MACs (G)", "ResNet-50 | 8.2", "VGG-16 | 31.0", "ResNet-18 | 3.63"),
        [("macs-or-flops", "", "MACs (G)")],
        "these are FLOPs, two for each MAC",
    ),
    "a size that is another network's": (
        "### ConvNeXt-T\n\n" + markdown("Form | Model size (MB)", "before | 338.14", "ONNX | 338.16"),
        [("size", "before and ONNX", "Model size (MB)")],
        "convnext_base",
    ),
    "MiB called MB": (
        markdown("Net | File size (MB)", "ResNet-34 | 81.4", "ResNet-50 | 102.3"),
        [("mebibytes", "ResNet-34", "File size (MB)")],
        "as MiB it fits",
    ),
    "bytes a parameter": (
        markdown("Net | Params (M) | Size (MB)", "mine | 10.0 | 40.1", "theirs | 10.0 | 120.0"),
        [("bytes-per-parameter", "theirs", "Size (MB)")],
        "12 bytes a parameter",
    ),
    "a quantized file that is larger": (
        markdown("Net | Size (MB)", "mine | 40.0", "mine quantized | 40.6"),
        [("quantized-larger", "mine quantized", "Size (MB)")],
        "about 10 MB",
    ),
    "a quantized row that continues": (
        markdown("Net | Form | Size (MB)", "mine | fp32 | 40.0", " | int8 | 40.6"),
        [("quantized-larger", "mine int8", "Size (MB)")],
        "about 10 MB",
    ),
    "unchanged parameters": (
        markdown("Net | Params (M)", "mine | 10.0", "mine pruned 50 % | 10.0"),
        [],
        "",
    ),
    "unchanged parameters of one name": (
        markdown("Net | Params (M)", "mine | 10.0", "mine pruned | 10.0"),
        [("unchanged", "mine pruned", "Params (M)")],
        "nothing was removed",
    ),
    "unchanged parameters across tables": (
        "Original\n\n" + markdown("Net | Params (M) | Latency (ms)", "a | 10.0 | 9.0", "b | 20.0 | 12.0")
        + "\nPruned at 0.5\n\n" + markdown("Net | Params (M) | Latency (ms)", "a | 10.0 | 8.9", "b | 20.0 | 3.0"),
        [("unchanged", "all 2 rows", "Params (M)"), ("protocol", "b", "Latency (ms)")],
        "12.0 ÷ 3.0 = 4 times faster with the same parameters",
    ),
    "quantized on another device": (
        markdown("Net | Latency (ms)", "mine | 5.0", "mine int8 | 75.0"),
        [("protocol", "mine int8", "Latency (ms)")],
        "15 times slower",
    ),
    "memory that is the weights": (
        markdown("Net | Memory (MB) | Params (M)", "a | 64.0 | 10.0", "b | 104.1 | 20.0", "c | 144.0 | 30.0", "d | 224.2 | 50.0"),
        [("memory-of-weights", "all rows", "Memory (MB)")],
        "it is no peak",
    ),
    "two units in a column": (
        markdown("Net | Time", "a | 0.5 s", "b | 20 ms", "c | 30 ms"),
        [("mixed-units", "", "Time")],
        "mixes s (a) and ms (b and c)",
    ),
    "identical times": (
        "## ResNet-34\n\n" + markdown("Form | Time (ms)", "eager | 0.84312", "other | 4.8") + "\n## DenseNet-121\n\n"
        + markdown("Form | Time (ms)", "eager | 0.84312", "other | 5.9"),
        [("identical-times", "eager", "Time (ms)")],
        "also the time of ResNet-34",
    ),
    "a name twice": (
        markdown("Net | Accuracy (%)", "mine | 93.1", "mine | 91.0"),
        [("label", "mine", "")],
        "what tells the two apart",
    ),
    "a name against its link": (
        markdown("Net | Weights | Accuracy (%)", "DinoV2 | [DeiT weights](w/deit.pt) | 93.1", "VGG | [VGG weights](w/vgg.pt) | 90.0"),
        [("wrong-name", "DinoV2", "")],
        "its link leads to deit",
    ),
    "a claim against its table": (
        markdown("Form | Time (ms) | Accuracy (%)", "ONNX | 90.1 | 70.0", "ONNX quantized | 95.3 | 69.8")
        + "\nThe quantized model is smaller and faster.\n",
        [("claim", "ONNX quantized", "Time (ms)")],
        "1.058 times slower",
    ),
    "a claim about what was not measured": (
        markdown("Form | Time (ms)", "ONNX | 95.1", "ONNX quantized | 90.3") + "\nQuantization has a slightly lower accuracy.\n",
        [("unmeasured-claim", "", "")],
        "no table has an accuracy",
    ),
    "rows that name no device": (
        markdown("Form | Time (ms)", "before | 0.8", "ONNX | 91.3", "script (CPU) | 4.8", "script (GPU) | 0.4"),
        [("device", "", "Time (ms)")],
        "114.1 times",
    ),
    "another input size in another table": (
        "## A\n\n" + markdown("Net | Size (MB) | MACs (G)", "mine | 29.5 | 9.7") + "\n## B\n\n"
        + markdown("Net | Size (MB) | MACs (G)", "mine | 29.5 | 0.2"),
        [("macs-across-tables", "mine", "MACs (G)")],
        "48.5 times as much",
    ),
    "several batches": (
        markdown("Net | Batch | FPS", "a | 64 | 900", "b | 64 | 800", "c | 64 | 700", "d | 32 | 300"),
        [("batch", "", "Batch")],
        "batch 32 (d)",
    ),
    "no thread count": (
        "## On a CPU\n\n" + markdown("Net | Latency (ms)", "a | 5.0"),
        [("threads", "", "Latency (ms)")],
        "how many threads",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "words"), FOUND.values(), ids=FOUND)
def test_found(text: str, expected: list[tuple[str, str, str]], words: str) -> None:
    findings = found_in(text)
    assert places(findings) == expected
    assert any(words in finding.message for finding in findings) or not expected


CLEAN = {
    "differences and ratios": markdown(
        "Net | FP32 acc (%) | INT8 acc (%) | Δ acc | FP32 ms | INT8 ms | Speed-up",
        "a | 93.51 | 93.20 | -0.31 | 10.0 | 5.0 | 2.00x",
        "b | 92.00 | 91.03 | -0.97 | 9.0 | 3.0 | 3.00x",
        "c | 90.00 | 89.96 | -0.04 | 8.0 | 5.0 | 1.60x",
    ),
    "a reduction in percent": markdown(
        "Net | Base params (M) | Pruned params (M) | Reduction (%)", "a | 10.0 | 5.0 | 50.0", "b | 20.0 | 5.0 | 75.0"
    ),
    "a derived column of something that is not there": markdown(
        "Net | Accuracy (%) | Speed-up", "a | 93.1 | 1.5x", "b | 92.4 | 2.4x", "c | 91.0 | 3.3x", "d | 90.2 | 4.1x"
    ),
    "networks as they are": markdown(
        "Net | Params (M) | GMACs | Size (MB) | Top-1 (%) | Top-5 (%)",
        "ResNet-18 | 11.69 | 1.81 | 46.8 | 69.8 | 89.1",
        "ResNet-50 | 25.56 | 4.09 | 102.5 | 76.1 | 92.9",
        "MobileNetV2 | 3.50 | 0.30 | 14.2 | 71.9 | 90.3",
        "ViT-B/16 | 86.57 | 17.56 | 346.3 | 81.1 | 95.3",
        "ConvNeXt-T | 28.59 | 4.46 | 114.4 | 82.5 | 96.1",
    ),
    "other counters": markdown("Net | GMACs", "ResNet-50 | 4.13", "ViT-B/16 | 16.87", "MobileNetV2 | 0.33", "VGG16 | 15.5"),
    "another input size": markdown("Net (288 px) | GMACs", "ResNet-50 | 6.8", "ResNet-18 | 3.01", "VGG-16 | 25.6"),
    "FLOPs": markdown("Net | FLOPs (G)", "ResNet-50 | 8.2", "ResNet-18 | 3.63", "VGG-16 | 31.0"),
    "ten classes": markdown("Net | Params (M)", "ResNet-50 | 23.5", "ConvNeXt-Large | 196.25"),
    "CIFAR's own networks": "## CIFAR-10\n\n"
    + markdown("Net | Params (M) | MACs (M) | Acc (%)", "VGG-16 | 14.7 | 313 | 93.9", "ResNet-18 | 11.2 | 556 | 95.1", "MobileNetV2 | 2.3 | 88 | 94.4"),
    "pruned and quantized": markdown(
        "Net | Params (M) | Size (MB) | Latency (ms)",
        "ResNet-50 | 25.6 | 102 | 26.5", "ResNet-50 pruned | 12.1 | 48.6 | 15.0", "ResNet-50 int8 | 25.6 | 25.9 | 9.4",
    ),
    "masks, with what is not zero beside them": markdown(
        "Net | Params (M) | Non-zero (M) | Latency (ms)", "mine | 10.0 | 10.0 | 5.0", "mine pruned | 10.0 | 3.0 | 5.0"
    ),
    "int8 that is slower, and says so": markdown("Form | Latency (ms) | Accuracy (%)", "ONNX | 0.12 | 95.0", "ONNX int8 | 0.13 | 94.9")
    + "\nThe quantized network is slower here. Faster kernels exist elsewhere.\n",
    "times alike by chance": markdown("Net | Latency (ms)", "ResNet-18 | 4.5", "ResNet-34 | 4.5", "VGG-16 | 9.1"),
    "rates of another batch than the latency": markdown("Net | Latency, batch 1 (ms) | Throughput at the best batch (img/s)", "a | 10.0 | 431", "b | 20.0 | 512", "c | 5.0 | 999"),
    "peak memory": markdown("Net | Peak memory (MB) | Params (M)", "a | 64.0 | 10.0", "b | 184.1 | 20.0", "c | 164.0 | 30.0", "d | 424.2 | 50.0"),
    "a sweep over batches": markdown("Net | Batch | FPS", "a | 1 | 100", "a | 8 | 400", "a | 32 | 500", "b | 1 | 90", "b | 8 | 300", "b | 32 | 400"),
    "slow devices": "On a Cortex-M7 microcontroller.\n\n" + markdown("Net | Time (s) | MACs (M)", "a | 0.5 | 40", "b | 0.9 | 70", "c | 1.5 | 110"),
    "a sentence about speed without a table of quantized rows": markdown("Net | FPS", "a | 1", "b | 2") + "\nQuantized models are faster.\n",
    "words only": "# Title\n\nNothing here is a table.\n",
    "a table of options": markdown("option | default | meaning", "batch | 1 | images at once", "threads | 2 | workers"),
    "differences that are nearly all zero": markdown(
        "model | technique | runtime | accuracy % | Δ baseline, pp | latency ms | mean ms",
        "a | none | eager | 95.82 \\~ | baseline | 2.493 | 2.527", "a | none | ort | 95.82 \\~ | 0 = | 0.1246 | 0.1269",
        "a | static | ort | 95.82 \\~ | 0 = | 0.1346 | 0.1374", "b | none | eager | 98.05 = | baseline | 0.6461 | 0.6607",
        "b | none | ort | 98.05 \\* | 0 = | 0.08199 \\* | 0.08367", "b | static | ort | 97.77 \\~ | −0.28 \\~ | 0.08776 | 0.08974",
        "c | none | eager | 96.66 \\~ | baseline | 0.4475 | 0.4560", "c | none | ort | 96.66 \\~ | 0 = | 0.1866 | 0.1906",
        "c | static | ort | 96.94 \\~ | +0.28 \\~ | 0.2063 | 0.2123",
    ),
    "rows that continue": markdown("Net | Form | Size (MB)", "ResNet-18 | fp32 | 46.8", " | int8 | 11.9", "ResNet-50 | fp32 | 102.5", " | int8 | 25.9"),
    "groups": markdown("Form | Latency (ms)", "**ResNet-18** |", "eager | 9.1", "ONNX | 5.5", "**VGG-16** |", "eager | 30.2", "ONNX | 25.1"),
    "low accuracies of a hard dataset": markdown("Net | Accuracy (%)", "a | 12.5", "b | 31.0", "c | 9.9", "d | 28.8", "e | 17.3"),
}  # fmt: skip


@pytest.mark.parametrize("text", CLEAN.values(), ids=CLEAN)
def test_clean(text: str) -> None:
    assert places(found_in(text)) == []


def test_findings_come_in_the_order_of_the_lines_and_say_where() -> None:
    text = markdown("Net | Accuracy (%) | FPS", "a | 193.1 | 5", "b | 293.1 | 6")
    one, two = found_in(text)
    assert (one.line, two.line) == (3, 4)
    assert one.sentence().startswith(
        "example.md:3: error [percent] table on line 1 › a › Accuracy (%): 193.1 is no share"
    )
    assert one.data()["row"] == "a"


def test_a_row_that_stands_there_twice_is_said() -> None:
    (finding,) = found_in(markdown("Net | FPS", "a | 5", "b | 6", "a | 5"))
    assert finding.message == "the row of line 3 stands here again"
