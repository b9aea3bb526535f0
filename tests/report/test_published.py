"""Every number of every table as it was printed, and beside it only what was measured on the same thing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from backbench.cli import app
from backbench.errors import UnknownName
from backbench.report.published.beside import HERE, TO_BASE, Beside, bare, beside
from backbench.report.published.document import Column, Document, load, names
from backbench.report.published.words import markdown_parts, said
from backbench.report.survey import survey
from backbench.report.writing import make_report
from backbench.spec.cell import Cell
from backbench.spec.where import readable
from records_builder import make_artefact, make_cell, make_record, make_refused, write_records

ROWS = {
    "backbone-profile": 24,
    "inference-techniques": 20,
    "pruning-inference-level": 35,
    "trunk-model-comparisons": 27,
}


@pytest.mark.parametrize("name", names())
def test_every_document_is_whole(name: str) -> None:
    document = load(name)
    assert document.document == name
    assert document.faults
    rows = sum(len(table.rows) for table in document.tables)
    assert rows == ROWS.get(name, rows) > 0
    for table in document.tables:
        assert {column.quantity for column in table.columns} <= set(HERE)
        assert {column.unit for column in table.columns} <= set(TO_BASE)
        for row in table.rows:
            assert readable({**table.match, **row.match}, row.label) == []
            assert any(value is not None for value in row.values)


@pytest.mark.parametrize(
    ("document", "table", "label", "column", "value"),
    [
        ("trunk-model-comparisons", "emnist", "ResNet50 Quantized", "time", 75.17),
        ("trunk-model-comparisons", "cifar10", "VGG16 Pruned", "gflops", 0.2),
        ("trunk-model-comparisons", "svhn", "ConvNeXt-Base", "accuracy", 97.03),
        ("pruning-inference-level", "original", "e", "latency", 12.72),
        ("pruning-inference-level", "structured-30", "x", "accuracy", 8.7),
        ("pruning-inference-level", "global-30", "c", "parameters", 196_245_706),
        ("inference-techniques", "convnext", "ONNX Quantized", "milliseconds", 406.41),
        ("inference-techniques", "densenet121", "Before Inferencing Technique", "seconds", 0.000843),
        ("backbone-profile", "cityscapes-gpu", "ResNet-50", "latency_2080ti", 61.397),
    ],
)
def test_numbers_are_the_printed_ones(document: str, table: str, label: str, column: str, value: float) -> None:
    found = {(row.label, each.name): number for row, each, number in load(document).table(table).cells()}
    assert found[label, column] == value


def column(document: Document, table: str, name: str) -> Column:
    return next(each for each in document.table(table).columns if each.name == name)


def test_units_are_what_they_really_are() -> None:
    time = column(load("trunk-model-comparisons"), "emnist", "time")
    assert (time.unit, time.printed_unit) == ("ms", "s")
    size = column(load("inference-techniques"), "resnet34", "size")
    assert (size.unit, size.printed_unit) == ("MiB", "MB")


def test_faults_stand_with_their_rows() -> None:
    table = load("trunk-model-comparisons").table("cifar10")
    wrong = [row for row in table.rows if row.note and "the label is wrong" in row.note]
    assert [(row.label, row.match["model"]) for row in wrong] == [("DinoV2", "deit_tiny_patch16_224")]
    quantized = next(row for row in table.rows if row.label == "ResNet50 Quantized")
    assert "never converted" in str(quantized.note)
    notes = load("inference-techniques").table("convnext").notes
    assert "337.95 MiB" in notes[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ResNet-50 that is the table's, another dataset's, and one of another input size."""
    kept = {"artefact": make_artefact(bytes=94_430_000), "cost": {"counters": {"a": 4_089_000_000}}}
    cell = make_cell("resnet50.a1_in1k", "none", "eager", dataset="cifar10")
    other = make_cell("resnet50", "none", "eager", dataset="digits")
    large = make_cell("resnet18", "none", "eager", input="1x3x500x334")
    return write_records(
        tmp_path / "run",
        make_record(cell, [(10e-3, 12e-3)] * 5, 306, 360, **kept),
        make_record(other, [(1e-3,)] * 5),
        make_record(large, [(50e-3,)] * 5, None),
    )


def held(folder: Path, name: str) -> Beside:
    return beside(name, survey([folder]).sections)


def test_what_is_the_same_stands_beside_it_in_its_unit(folder: Path) -> None:
    found = {each.table.name: each for each in held(folder, "trunk-model-comparisons").tables}["cifar10"]
    pairs = {(pair.row.label, pair.column.name): pair for pair in found.pairs}
    accuracy, time = pairs["ResNet50", "accuracy"], pairs["ResNet50", "time"]
    assert (accuracy.published, accuracy.here) == (85.09, 85.0)
    assert time.here == pytest.approx(11.0)  # the mean, as published
    assert time.ratio == pytest.approx(11.0 / 6.23)
    assert pairs["ResNet50", "memory"].here == pytest.approx(94.43)
    assert pairs["ResNet50", "gflops"].here == pytest.approx(4.089)
    assert pairs["ViT", "accuracy"].measured is None


def test_another_dataset_technique_or_size_is_not_put_beside_it(folder: Path) -> None:
    tables = {each.table.name: each for each in held(folder, "trunk-model-comparisons").tables}
    assert all(pair.measured is None for pair in tables["emnist"].pairs)
    quantized = [pair for pair in tables["cifar10"].pairs if pair.row.label == "ResNet50 Quantized"]
    assert all(pair.measured is None for pair in quantized)
    profile = {each.table.name: each for each in held(folder, "backbone-profile").tables}
    voc = [pair for pair in profile["voc-cpu"].pairs if pair.measured]
    assert [(pair.row.label, pair.here) for pair in voc] == [("ResNet-18", 50.0), ("ResNet-18", 20.0)]
    assert all(pair.measured is None for pair in profile["cityscapes-cpu"].pairs)


def test_rows_that_stand_alone_say_why(folder: Path) -> None:
    words = {each.title: each for each in said(held(folder, "trunk-model-comparisons")).tables}["CIFAR10"]
    assert words.rows[0] == ("ResNet50", "accuracy", "85.09 %", "85.00 %", "0.999", words.rows[0][-1])
    assert words.rows[0][-1].endswith("resnet50.a1_in1k · none · eager")
    (alone,) = [note for note in words.notes if note.startswith("can't be compared")]
    assert "ViT (dataset cifar10, model vit_base_patch16_224)" in alone
    assert "Inference Time per Image [s/Image]: printed as s, really ms." in words.notes
    assert any(note.startswith("here: Digits (8×8)") for note in words.notes)


def test_a_row_whose_cell_failed_or_was_skipped_says_so(tmp_path: Path) -> None:
    int8 = make_cell("resnet34", "quantize_static", "onnxruntime")
    gpu = make_cell("resnet34", "none", "torchscript", device="cuda")
    run = write_records(
        tmp_path / "run",
        make_refused("skipped", "not today", int8.model_copy(update={"threads": 2})),
        make_refused("failed", "the outputs are not the reference's", int8),
        make_refused("skipped", "this machine has no device cuda", gpu),
    )
    words = {each.title: each for each in said(held(run, "inference-techniques")).tables}["ResNet-34"]
    records = {row[0]: row[-1].partition(" ")[2] for row in words.rows if row[0]}
    assert records == {
        "Before Inferencing Technique": "record here of resnet34",
        "ONNX": "record here of resnet34",
        "ONNX Quantized": "failed: the outputs are not the reference's",
        "Torchscript (CPU)": "record here of resnet34",
        "Torchscript (GPU)": "skipped: this machine has no device cuda",
    }
    (alone,) = [note for note in words.notes if note.startswith("can't be compared")]
    assert "ONNX (model resnet34" in alone
    assert "Quantized" not in alone


def test_it_stands_in_the_report_where_asked_for(folder: Path, tmp_path: Path) -> None:
    make_report(tmp_path / "plain", [folder])
    assert "Published" not in (tmp_path / "plain" / "report.md").read_text()
    make_report(tmp_path / "beside", [folder], "trunk-model-comparisons")
    markdown = (tmp_path / "beside" / "report.md").read_text()
    assert "## Published \\| here: ModelComparisons" in markdown
    assert "| ResNet50 | accuracy | 85.09 % | 85.00 % | 0.999 |" in markdown
    page = (tmp_path / "beside" / "report.html").read_text()
    assert "Published | here: ModelComparisons" in page
    assert "milliseconds; the test function divided by its images" in page


def test_every_line_of_a_published_table_has_as_many_cells_as_its_head(folder: Path) -> None:
    for name in names():
        tables = [part for part in markdown_parts(held(folder, name)) if part.startswith("|")]
        assert len(tables) == len(load(name).tables)
        for table in tables:
            assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def test_a_wrong_name_is_refused_with_the_nearest(folder: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(folder), "--published", "trunk-comparisons"])
    assert isinstance(done.exception, UnknownName)
    assert "did you mean 'trunk-model-comparisons'?" in str(done.exception)
    listed = CliRunner().invoke(app, ["list", "published"])
    assert listed.exit_code == 0
    assert all(name in listed.output for name in ROWS)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("resnet50", "resnet50"),
        ("torchvision:resnet50", "resnet50"),
        ("vit_base_patch16_224.augreg_in1k", "vit_base_patch16_224"),
    ],
)
def test_a_models_tag_and_library_do_not_count(name: str, plain: str) -> None:
    assert bare(name) == plain
    assert Cell.model_validate({"model": name, "dataset": "x"}).model.name == name
