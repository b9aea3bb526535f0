"""The report says the answer first, marks what can't be told, and shows whatever a user typed as text."""

from __future__ import annotations

import csv as reader
import io
import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from rich.console import Console

from backbench.errors import BackbenchError, UsageError
from backbench.report.axes import AXES, Axis
from backbench.report.csv import FIELDS, csv_text
from backbench.report.folders import records_in
from backbench.report.html.document import html_text
from backbench.report.markdown import escape, report_text
from backbench.report.pareto import Interval, Point, standings
from backbench.report.plot import MAX_POINTS, chosen, svg
from backbench.report.section import MAX_SHOWN, Section, sections
from backbench.report.survey import survey
from backbench.report.terminal import MAX_LINES, show, shown
from backbench.report.writing import write_report
from records_builder import (
    HOST,
    make_artefact,
    make_cell,
    make_measurement,
    make_record,
    make_refused,
    make_warning,
    write_records,
)

EAGER = make_cell("resnet20", "none", "eager")
ORT = make_cell("resnet20", "none", "onnxruntime")
INT8 = make_cell("resnet20", "quantize_static:calibration=256", "onnxruntime")
SLOW, FAST = [(2e-3,) * 3] * 5, [(1e-3,) * 3] * 5


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    energy = {"energy": make_measurement("J", reason="no counter can be read")}
    return write_records(
        tmp_path / "run",
        make_record(EAGER, SLOW, 340, measurements=energy),
        make_record(ORT, FAST, 340, warnings=(make_warning(),), measurements=energy),
        make_refused("skipped", "no integer kernels", INT8),
        make_refused("failed", "out of memory", make_cell("resnet56")),
    )


def written(folder: Path) -> str:
    write_report(folder, [folder])
    return (folder / "report.md").read_text()


def made(folder: Path) -> list[Section]:
    return sections(records_in([folder]))


def test_what_is_written(run_folder: Path) -> None:
    paths = write_report(run_folder / "out", [run_folder])
    names = ["report.md", "report.html", "report.csv", "accuracy-latency.svg", "accuracy-size.svg"]
    assert [path.name for path in paths] == names
    assert all(path.is_file() for path in paths)
    assert sorted(path.name for path in (run_folder / "out").iterdir()) == sorted(path.name for path in paths)


def test_the_answer_comes_first(run_folder: Path) -> None:
    lines = written(run_folder).splitlines()
    assert lines[2] == "4 cells: 2 measured, 1 skipped, 1 failed."
    assert lines[4] == (
        "- Most accurate: **resnet20 · none · onnxruntime** (#2), 94.44 % [91.6, 96.4] of 360 images; "
        "#1 the same images right."
    )
    assert lines[5] == (
        "- Fastest: **resnet20 · none · onnxruntime** (#2), 1.000 ms ±0 %, 2.00× faster (2.00–2.00) than its baseline."
    )
    assert lines[6] == "- Smallest: **resnet20 · none · onnxruntime** (#2), 1.10 MB; #1 as small."


def test_rows_of_the_table(run_folder: Path) -> None:
    text = written(run_folder)
    assert "| 1 | resnet20 | none | eager | 94.44 = | 91.6–96.4 | baseline | 2.000 |" in text
    assert "| 2 | resnet20 | none | onnxruntime | 94.44 \\* | 91.6–96.4 | 0 = | 1.000 \\* |" in text
    assert "| 3 | resnet20 | quantize_static | onnxruntime | *skipped: no integer kernels* |" in text
    assert "| 4 | resnet56 | none | eager | *failed: out of memory* |" in text


def test_every_line_of_a_table_has_as_many_cells_as_its_head(run_folder: Path) -> None:
    tables = [block for block in written(run_folder).split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def test_doubts_conditions_and_sources_are_said(run_folder: Path) -> None:
    text = written(run_folder)
    assert "- unsteady (\\#2): the series did not settle. Remedy: close other programs." in text
    assert "- No energy: no counter can be read." in text
    assert "- Host grade C: virtual machine" in text
    assert "- In every row, quantize_static: calibration=256." in text
    for record in (item.record for item in records_in([run_folder])):
        assert f"`{record.cell_id}` | `{record.record_id[:16]}`" in text


def test_unlike_conditions_stand_apart_and_say_why(run_folder: Path, tmp_path: Path) -> None:
    other = write_records(tmp_path / "other", make_record(EAGER, SLOW, host={**HOST, "cpu": "Other CPU"}))
    write_report(tmp_path, [run_folder, other])
    text = (tmp_path / "report.md").read_text()
    assert "They stand in 2 tables, because they differ in host: numbers of two tables can't be compared." in text
    assert "## 2. Digits (8×8) · input 32×32 · batch 1 · cpu (Other CPU)" in text


def test_a_cell_of_two_folders_is_shown_once_and_said(run_folder: Path, tmp_path: Path) -> None:
    newer = make_record(EAGER, SLOW, created_utc="2027-01-01T00:00:00+00:00")
    write_report(tmp_path, [run_folder, write_records(tmp_path / "again", newer)])
    text = (tmp_path / "report.md").read_text()
    assert "1 older record of cells that were measured more than once: left out, the newest is shown" in text
    assert "the ratio is unpaired" in text


HOSTILE = [
    "a|b",
    "<script>alert(1)</script>",
    "`code`",
    "[x](y)",
    "**bold**",
    "_x_",
    "a\nb\n\n# c",
    "\x1b[31mred",
    "x" * 10_000_000,
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_stay_text(tmp_path: Path, name: str) -> None:
    cell = make_cell({"name": name})
    folder = write_records(tmp_path, make_record(cell), make_refused("failed", name, ORT), make_record(INT8))
    text = written(folder)
    assert len(text) < 20_000
    assert "<script>" not in text
    assert "\x1b" not in text
    assert not any(line.startswith("# c") for line in text.splitlines())
    (table, *_) = [block for block in text.split("\n\n") if block.startswith("| \\#")]
    assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1
    ElementTree.fromstring((folder / "accuracy-latency.svg").read_text())
    show(shown(survey([folder])), Console(file=io.StringIO(), width=100))


def test_escaping() -> None:
    assert escape("a|b <c> `d` [e] *f* ~g~ #h & _i_ j_k") == (
        "a\\|b &lt;c&gt; \\`d\\` \\[e\\] \\*f\\* \\~g\\~ \\#h &amp; \\_i\\_ j_k"
    )


def test_csv_is_read_back(run_folder: Path) -> None:
    write_report(run_folder, [run_folder])
    with (run_folder / "report.csv").open(newline="") as file:
        rows = list(reader.DictReader(file))
    assert list(rows[0]) == list(FIELDS)
    assert [row["status"] for row in rows] == ["ok", "ok", "skipped", "failed"]
    fast = rows[1]
    assert float(fast["latency_median_s"]) == 1e-3
    assert float(fast["latency_ratio_to_baseline"]) == pytest.approx(0.5)
    assert (fast["latency_verdict"], fast["latency_ratio_paired"]) == ("faster", "True")
    assert float(fast["accuracy"]) == 340 / 360
    assert (fast["size_bytes"], fast["macs"]) == ("1100000", "40550000")
    assert json.loads(fast["macs_counters"]) == {"flop_counter": 40_550_000, "onnx": 40_600_000}
    assert fast["energy_j_per_image"] == ""
    assert fast["energy_reason"] == "no counter can be read"
    assert (rows[2]["reason"], rows[2]["latency_median_s"]) == ("no integer kernels", "")
    assert rows[2]["technique"] == "quantize_static:calibration=256"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", 'a"b', "a,b", "a\nb"])
def test_csv_of_hostile_names(tmp_path: Path, name: str) -> None:
    (row,) = reader.DictReader(
        io.StringIO(csv_text(made(write_records(tmp_path, make_record(make_cell({"name": name}))))))
    )
    assert not row["model"].startswith(("=", "+", "-", "@"))
    assert row["model"].lstrip("'") == name.replace("\n", " ")


def test_one_process_has_no_interval_anywhere(tmp_path: Path) -> None:
    folder = write_records(tmp_path, make_record(EAGER, [(2e-3,)]), make_record(ORT, [(1e-3,)]))
    assert "| 2.000 \\~ | ±? |" in written(folder)
    (_, row) = reader.DictReader(io.StringIO(csv_text(made(folder))))
    assert (row["latency_high_s"], row["latency_verdict"]) == ("", "can't tell")


def test_disputed_macs_say_so(tmp_path: Path) -> None:
    by_operator = {"a": {"aten::mm": 10_000_000}, "b": {"MatMul": 20_000_000}}
    cost = {"counters": {"a": 10_000_000, "b": 20_000_000}, "disputed": by_operator, "uncounted": ["aten::|x"]}
    text = written(write_records(tmp_path, make_record(cost=cost)))
    assert "disputed (10.0 or 20.0)" in text
    assert "Operators that count for no MACs: aten::\\|x." in text
    assert "its MACs are disputed, by operator: a counts aten::mm 10.0 M; b counts MatMul 20.0 M" in text


def test_what_a_technique_changed_is_said_in_parts(tmp_path: Path) -> None:
    parent = {"stored": 270_000, "nonzero": 270_000, "bytes": 1_100_000, "macs": 40_000_000}
    child = {**parent, "nonzero": 135_000, "bytes": 330_000}
    step = {"technique": "quantize_static:calibration=256", "parent": parent, "child": child, "shapes_changed": {}}
    evidence = {"steps": [{"technique": "x"}, step, "nonsense"]}
    int8 = make_record(INT8, FAST, evidence=evidence, executed={"integer_operators": 21})
    records = make_record(EAGER), make_record(ORT, SLOW, evidence={"steps": 5}), int8
    assert (
        "- \\#3 quantize_static: parameters unchanged; non-zero 0.270 → 0.135 M; bytes 1.10 → 0.330 MB; MACs unchanged; "
        "21 integer operators executed; speed against \\#2, which is the same without it: 2.00× faster (2.00–2.00)"
    ) in written(write_records(tmp_path, *records))


def test_a_record_that_holds_nothing_is_still_reported(tmp_path: Path) -> None:
    empty = make_record(
        latency=None, correct=None, artefact=None, cost={}, inputs={}, host={}, protocol={}, conditions=None
    )
    text = written(write_records(tmp_path, empty))
    assert "Most accurate: nothing can be said, no record holds predictions." in text
    assert "Fastest: nothing was timed." in text


def test_only_refused_cells(tmp_path: Path) -> None:
    text = written(write_records(tmp_path, make_refused("failed", "crash", EAGER)))
    assert "Nothing was measured here." in text
    assert "*failed: crash*" in text


def test_an_empty_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are no records"):
        write_report(tmp_path, [tmp_path])


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_one_sentence(run_folder: Path) -> None:
    run_folder.chmod(0o500)
    try:
        with pytest.raises(BackbenchError, match="can't be written"):
            write_report(run_folder, [run_folder])
    finally:
        run_folder.chmod(0o700)


def test_a_place_that_can_hold_no_folder_is_one_sentence(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackbenchError, match="can't be written"):
        write_report(tmp_path / "file" / "out", [run_folder])


def test_the_plot_names_its_points(run_folder: Path) -> None:
    drawn = svg(made(run_folder)[0])
    assert drawn is not None
    root = ElementTree.fromstring(drawn)
    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert sorted(titles[1:], key=str) == ["#1 resnet20 · none · eager", "#2 resnet20 · none · onnxruntime"]


def test_no_plot_of_one_point(tmp_path: Path) -> None:
    assert svg(made(write_records(tmp_path, make_record()))[0]) is None


def test_the_terminal_fits_80_columns(run_folder: Path) -> None:
    console = Console(file=io.StringIO(), width=80)
    show(shown(survey([run_folder])), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "2.00× faster" in text
    assert "failed: out of memory (resnet56 · none · eager)" in text


def test_a_large_table_is_cut_on_the_terminal_and_in_markdown_and_says_so(tmp_path: Path) -> None:
    record = make_record(EAGER)
    cells = [make_cell(seed=seed) for seed in range(MAX_SHOWN + 5)]
    made = [record.model_copy(update={"cell": cell, "cell_id": cell.id}).sealed() for cell in cells]
    found = survey([write_records(tmp_path, *made)])
    part = shown(found).parts[0]
    assert part.grid is not None
    assert (len(part.grid.lines), part.grid.left_out) == (MAX_LINES, MAX_SHOWN + 5 - MAX_LINES)
    text = report_text(found, {})
    assert text.count("… and 5 more rows: `report.csv` has them all.") == 1
    assert len(csv_text(found.sections).splitlines()) == MAX_SHOWN + 6
    assert "… and 5 more rows" in html_text(found)


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.name)
def test_the_accuracy_is_plotted_against_every_cost(tmp_path: Path, axis: Axis) -> None:
    costs = {"peak_memory": make_measurement("byte", 2e6), "energy": make_measurement("J", 0.5)}
    more = {"peak_memory": make_measurement("byte", 4e6), "energy": make_measurement("J", 1.0)}
    large = make_artefact(bytes=2_200_000)
    slow = make_record(EAGER, SLOW, 350, measurements=more, artefact=large, cost={"counters": {"a": 90_000_000}})
    folder = write_records(tmp_path, slow, make_record(ORT, FAST, 330, measurements=costs))
    drawn = svg(survey([folder]).sections[0], axis)
    assert drawn is not None
    root = ElementTree.fromstring(drawn)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert f"{axis.title}, {axis.unit} (logarithmic)" in texts
    assert len(list(root.iter("{http://www.w3.org/2000/svg}g"))) == 2


def test_a_plot_holds_500_points_and_the_front_among_them() -> None:
    points = [Point(number, Interval.exact(0.5 - number * 1e-4), Interval.exact(1 + number)) for number in range(2000)]
    ranked = standings(points)
    kept = chosen(points, ranked)
    assert len({point.number for point in kept}) == len(kept) == MAX_POINTS
    assert kept[0].number == 0
    assert max(point.number for point in kept) > 1900
