"""Tables in all the forms that people write them in."""

from __future__ import annotations

from pathlib import Path

import pytest
from tables import markdown

from backbench.errors import UsageError
from backbench.linting.document import Document
from backbench.linting.html_tables import read_table as read_html
from backbench.linting.markdown_tables import read_markdown
from backbench.linting.read_file import read_file
from backbench.linting.reading import read_document, read_table


def rows_of(document: Document) -> list[list[list[str]]]:
    return [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]


def test_markup_links_bars_and_footnotes_in_a_pipe_table() -> None:
    text = "|Model \\| form|Acc (%)<br>top-1|\n|-|-|\n|[a\\|b](x.html)|**91.2**<sup>1</sup>|\n|e|<b>90</b>|\n"
    (table,) = read_markdown("x.md", text).tables
    assert [cell.text for cell in table.header] == ["Model | form", "Acc (%) top-1"]
    assert [cell.text for cell in table.rows[0].cells] == ["a|b", "91.2"]
    assert table.rows[0].cells[0].links == ("x.html", "a|b")
    assert [row.line for row in table.rows] == [3, 4]


def test_headings_and_captions_belong_to_the_table_behind_them() -> None:
    text = (
        "# A\n\n## B\n\nfirst caption\n\n" + markdown("m | FPS", "a | 1") + "\n# C\n\n" + markdown("m | FPS", "b | 2")
    )
    one, two = read_markdown("x.md", text).tables
    assert (one.headings, one.caption, one.title) == (("A", "B"), "first caption", "first caption")
    assert (two.headings, two.caption, two.title) == (("C",), "", "C")


def test_rows_of_nothing_divide_groups_and_are_left_out() -> None:
    (table,) = read_markdown("x.md", "| a | b |\n|--|--|\n| x | 1 |\n||\n| y | 2 |\n").tables
    assert [row.cells[0].text for row in table.rows] == ["x", "y"]


def test_html_tables_with_cells_that_span() -> None:
    source = (
        "<table><tr><th rowspan=2>Model</th><th colspan=2>Accuracy</th></tr><tr><th>INT8</th><th>FP32</th></tr>"
        "<tr><td rowspan='2'>a</td><td>1.5&nbsp;%</td><td>2</td></tr><tr><td>3<td>4</tr></table>"
    )
    table = read_html(source, 10)
    assert table is not None
    assert [cell.text for cell in table.header] == ["Model", "Accuracy INT8", "Accuracy FP32"]
    assert [[cell.text for cell in row.cells] for row in table.rows] == [["a", "1.5 %", "2"], ["a", "3", "4"]]


def test_html_inside_markdown_keeps_its_heading_line_and_caption() -> None:
    html = "<table>\n<caption>on a CPU</caption>\n<tr><td>m</td><td>FPS</td></tr>\n\n<tr><td>a</td><td>5</td></tr>\n</table>"
    text = (
        f"# Speed\n\n{html}\n\n"
        + markdown("m | FPS", "b | 6")
        + "\n```html\n<table><tr><td>no</td></tr></table>\n```\n"
    )
    html_table, pipe = read_markdown("x.md", text).tables
    assert (html_table.headings, html_table.caption, html_table.rows[0].line) == (("Speed",), "on a CPU", 7)
    assert pipe.rows[0].cells[0].text == "b"


def test_tabs_and_labelled_lines() -> None:
    text = (
        "## One\n\nTechnique\tSize (MB)\tTime\nnone\t81.4\t0.8 ms\nint8\t20.4\t0.9 ms\n\n## Two\n\n```bash\n"
        "# N(params), Latency, Accuracy\nc: 1,000 params, 17.05ms, 8.6%\ne: 2,000 params, 12.72ms, 6.0%\n```\n\npruned\n\n"
        "```\nc: 1,000 params, 7.05ms, 8.1%\ne: 2,000 params, 2.72ms, 6.5%\n```\n"
    )
    tabs, first, second = read_markdown("x.md", text).tables
    assert [cell.text for cell in tabs.header] == ["Technique", "Size (MB)", "Time"]
    assert [cell.text for cell in first.header] == ["", "N(params)", "Latency", "Accuracy"]
    assert second.header == first.header
    assert (second.caption, second.rows[1].line) == ("pruned", 19)


def test_code_is_no_table() -> None:
    code = "```python\nx: 1, 2\ndef f(a: int, b: int): ...\n```\n\nwords: one, two\nmore: three, four\n"
    assert read_markdown("x.md", code).tables == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "x.csv"
    lines = [["model", "param_count", "note"], ['"a b"', '"1,014.45"', "x"], ["c", "3.5", ""]]
    path.write_text("# a comment\n" + "\n".join(delimiter.join(line) for line in lines) + "\n")
    document = read_file(path)
    assert rows_of(document) == [[["a b", "1,014.45", "x"], ["c", "3.5", ""]]]
    assert [row.line for row in document.tables[0].rows] == [3, 4]
    (reading,) = read_document(document)
    amounts = [amount.value for _, amount in reading.amounts(reading.columns[1])]
    assert amounts == pytest.approx([1_014.45e6, 3.5e6])


def test_a_table_whose_rows_are_metrics_is_turned() -> None:
    text = markdown("| ResNet-18 | VGG16", "Params | 11.7 M | 138 M", "Latency | 5 ms | 9.5 ms", "Acc | 69.8 | 71.6")
    (table,) = read_markdown("x.md", text).tables
    reading = read_table("x.md", table)
    assert [item.name for item in reading.items] == ["ResNet-18", "VGG16"]
    (latency,) = reading.of("latency")
    assert [amount.value for _, amount in reading.amounts(latency)] == pytest.approx([5e-3, 9.5e-3])


def test_rows_that_continue_and_headings_inside_a_table() -> None:
    rows = (
        "**CNNs** | |",
        "ResNet-18 | fp32 | 5.0",
        " | int8 | 2.5",
        "**ViTs** | |",
        "ViT-B/16 | fp32 | 9.0",
        " | int8 | 8.0",
    )
    (table,) = read_markdown("x.md", markdown("Net | Form | Latency (ms)", *rows)).tables
    reading = read_table("x.md", table)
    assert [item.texts for item in reading.items] == [
        ("CNNs", "ResNet-18", "fp32"), ("CNNs", "ResNet-18", "int8"), ("ViTs", "ViT-B/16", "fp32"), ("ViTs", "ViT-B/16", "int8"),
    ]  # fmt: skip
    assert [item.line for item in reading.items] == [4, 5, 7, 8]


def test_a_column_that_numbers_the_rows_is_no_result() -> None:
    (table,) = read_markdown("x.md", markdown("# | model | latency ms", "1 | a | 2.5", "2 | b | 3.5")).tables
    reading = read_table("x.md", table)
    assert [column.kind for column in reading.columns] == [None, None, "latency"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.png", b"x", "lint reads"),
        ("a.csv", b"a,b\0", "null bytes"),
        ("missing.md", None, "No such file"),
    ],
)
def test_what_is_no_file_of_tables(tmp_path: Path, name: str, data: bytes | None, message: str) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_file(path)


def test_encodings(tmp_path: Path) -> None:
    for data in (
        "\ufeff| µ | FPS |\n|-|-|\n| a | 1 |\n".encode(),
        "| µ | FPS |\r\n|-|-|\r\n| a | 1 |\r\n".encode("cp1252"),
    ):
        (tmp_path / "x.md").write_bytes(data)
        assert read_file(tmp_path / "x.md").tables[0].header[0].text == "µ"
