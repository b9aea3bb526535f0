"""Whatever a file holds, lint reads it, ends, and finds the same again."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from backbench.linting.csv_tables import read_csv
from backbench.linting.lint import lint_document
from backbench.linting.markdown_tables import read_markdown
from backbench.linting.numbers import read_number

TITLES = st.sampled_from(
    ["Model", "Params (M)", "FLOPs (G)", "GMACs", "Latency (ms)", "Time [s]", "FPS", "Top-1 (%)", "Top-5", "top1_err", "Size (MB)",
     "Memory", "Speed-up", r"$\Delta$ Acc", "Base (%)", "Pruned (%)", "INT8", "FP32", "batch", "img_size", "", "%", "x"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(["ResNet-50", "resnet50 int8", "VGG16 pruned", "-", "", "0", "0.0", "-0.0x", "1e-300", "1e300", "0e999", "93.5 ± 0.1"]),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.integers(-(10**12), 10**12).map(lambda value: f"{value:,}"),
    st.text(max_size=20),
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> str:
    titles = draw(st.lists(TITLES, min_size=1, max_size=7))
    rows = draw(st.lists(st.lists(VALUES, min_size=1, max_size=8), max_size=6))
    clean = [[cell.replace("\n", " ").replace("|", r"\|") for cell in row] for row in rows]
    lines = ["|".join(titles), "|".join("-" * max(1, len(titles)) for _ in titles), *("|".join(row) for row in clean)]
    return draw(st.sampled_from(["", "# CIFAR-10\n\n", "Pruned at 0.5\n\n"])) + "\n".join(f"|{line}|" for line in lines)


@settings(max_examples=150, deadline=None)
@example(["|Model|Latency (ms)|FPS|\n|-|-|-|\n|ResNet-50|1e300|1e300|"])
@given(st.lists(tables(), max_size=3))
def test_tables_of_anything(texts: list[str]) -> None:
    document = read_markdown("x.md", "\n\n".join(texts))
    first = lint_document(document)
    assert first == lint_document(document)
    for finding in first.findings:
        assert finding.line >= 1
        assert finding.message
        assert "\n" not in finding.sentence()


MARKUP = st.sampled_from(
    ["|a|b|\n|-|-|\n|1|2|\n", "<table>", "</table>", "<tr><td rowspan=99999 colspan=-3>1</td>", "<th>FPS", "```\n", "a: 1, 2 ms\n",
     "x\ty\n1\t2\n3\t4\n", "# h\n", "\n", "    ", "|", "\\|", "<sup>", "$\\frac{1}{2}$", "[l](t)", "\x0b", "\u2028", "&nbsp;"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(MARKUP, st.text(max_size=10)), max_size=30).map("".join))
def test_markup_of_anything(text: str) -> None:
    document = read_markdown("x.md", text)
    assert all(table.rows and table.width >= 1 for table in document.tables)
    lint_document(document)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from('abFPS,;\t|"\n\r 019.%#-'), max_size=200))
def test_csv_of_anything(text: str) -> None:
    lint_document(read_csv("x.csv", text))


@settings(max_examples=300, deadline=None)
@given(
    st.floats(min_value=-1e12, max_value=1e12), st.sampled_from(["", " ms", "%", "x", " MB", " M"]), st.integers(0, 6)
)
def test_a_printed_number_is_read_within_its_last_digit(value: float, unit: str, places: int) -> None:
    found = read_number(f"{value:,.{places}f}{unit}")
    assert found is not None
    assert abs(found.value - value) <= found.step * 0.5001 + abs(value) * 1e-12


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_a_cell_of_anything(text: str) -> None:
    found = read_number(text)
    assert found is None or (found.step > 0 and found.value == found.value)
