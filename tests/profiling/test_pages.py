"""What is written for a person: tables, pictures, hostile names, published beside here."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from backbench.profiling.document import Profile
from backbench.profiling.pages.beside_published import beside, equal_to
from backbench.profiling.pages.markdown import markdown_text
from backbench.profiling.pages.page import page_text
from backbench.profiling.pages.plots import PICTURES, pictures
from backbench.profiling.pages.table import Table, mib
from backbench.profiling.pages.tables import memory_table, overview, tables_of
from backbench.profiling.pages.time_tables import block_table
from backbench.profiling.pages.writing import write_profiles
from backbench.report.published.document import load, names
from backbench.report.units import mb
from backbench.spec.choice import Choice

HOSTILE = "<script>alert(1)</script>|`$x$`&\"'"


def renamed(profile: Profile, name: str) -> Profile:
    return profile.model_copy(update={"cell": profile.cell.model_copy(update={"model": Choice(name=name)})})


def of_size(profile: Profile, name: str, size: tuple[int, int, int, int]) -> Profile:
    cell = profile.cell.model_copy(update={"model": Choice(name=name), "input": size})
    return profile.model_copy(update={"cell": cell})


def table(profile: Profile, title: str) -> Table:
    return next(each for each in tables_of(profile, 2) if each.title == title)


def test_the_block_table_ends_with_its_sum(profiles: dict[str, Profile]) -> None:
    found = block_table(profiles["twice"])
    assert found is not None
    assert [row[0] for row in found.rows] == [
        "stem", "shared", "head", "between blocks", "outside", "sum = instrumented pass",
    ]  # fmt: skip
    *parts, total = [float(row[2].replace(",", "")) for row in found.rows]
    assert sum(parts) == pytest.approx(total, rel=0.01)
    *shares, whole = [float(row[3]) for row in found.rows]
    assert sum(shares) == pytest.approx(whole, abs=0.5)
    assert whole == 100


def test_structure_names_what_is_used_twice(profiles: dict[str, Profile]) -> None:
    found = table(profiles["twice"], "Structure")
    assert any("shared is also again" in line for line in found.lines)
    assert [row[0] for row in found.rows][1:] == ["  stem", "  shared", "  head"]


def test_mb_and_mib_stand_side_by_side(profiles: dict[str, Profile]) -> None:
    found = memory_table(profiles["several"])
    assert found is not None
    assert found.columns[2:4] == ("MB (10⁶)", "MiB (2²⁰)")
    size = int(found.rows[0][4].replace(",", ""))
    assert (found.rows[0][2], found.rows[0][3]) == (mb(size), mib(size))
    assert {"weights", "buffers", "input", "peak of live tensors", "peak of the process"} <= {
        row[0] for row in found.rows
    }


def test_a_failed_profile_stands_in_the_overview_with_its_reason(profiles: dict[str, Profile]) -> None:
    found = overview([profiles["twice"], profiles["wide"]])
    assert len(found.rows) == 2
    assert any("out of memory, predicted" in line for line in found.lines)


@pytest.mark.parametrize("name", list(PICTURES))
def test_every_picture_is_drawn(profiles: dict[str, Profile], name: str) -> None:
    bitmap, vector = pictures(profiles["twice"])[name]
    assert bitmap.startswith(b"\x89PNG")
    assert vector.startswith("<svg")
    assert vector.rstrip().endswith("</svg>")
    assert "currentColor" in vector


def test_pictures_are_left_out_where_there_is_nothing_to_draw(profiles: dict[str, Profile]) -> None:
    assert set(pictures(profiles["plain"])) == {"memory"}


class Reader(HTMLParser):
    """Which elements a page really holds, and its links."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value for key, value in attrs if key in ("src", "href") and value]


def test_a_hostile_name_is_text_in_page_and_pictures(profiles: dict[str, Profile]) -> None:
    hostile = renamed(profiles["twice"], HOSTILE)
    drawn = {hostile.cell_id: {name: vector for name, (_, vector) in pictures(hostile).items()}}
    page = page_text([hostile], 2, drawn)
    reader = Reader()
    reader.feed(page)
    assert reader.elements.count("script") == 1
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_needs_no_network(profiles: dict[str, Profile]) -> None:
    drawn = {
        each.cell_id: {name: vector for name, (_, vector) in pictures(each).items()} for each in profiles.values()
        if each.status == "ok"
    }  # fmt: skip
    page = page_text(list(profiles.values()), 2, drawn)
    reader = Reader()
    reader.feed(page)
    assert all(link.startswith("#") for link in reader.links)
    assert "default-src &#x27;none&#x27;" in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert all(link[1:] in ids for link in reader.links if link.startswith("#p-"))


def test_a_hostile_name_breaks_no_markdown_table(profiles: dict[str, Profile]) -> None:
    text = markdown_text([renamed(profiles["twice"], HOSTILE)], 2, {})
    assert "<script>" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    head = next(line for line in rows if line.startswith("| network |"))
    assert len(re.findall(r"(?<!\\)\|", rows[rows.index(head) + 2])) == len(re.findall(r"(?<!\\)\|", head))


def test_files_are_written_and_named_in_the_markdown(profiles: dict[str, Profile], tmp_path: Path) -> None:
    written = write_profiles(tmp_path, [profiles["twice"], profiles["wide"]], 2)
    text = (tmp_path / "profile.md").read_text()
    shown = re.findall(r"\]\((plots/[^)]+)\)", text)
    assert len(shown) == len(PICTURES)
    assert all((tmp_path / name).is_file() for name in shown)
    assert {path.name for path in written} >= {"profile.md", "profile.html"}


def test_published_tables_stand_beside_the_same_networks(profiles: dict[str, Profile]) -> None:
    like = of_size(profiles["twice"], "resnet18", (1, 3, 1024, 2048))
    found = beside([like, profiles["several"]])
    assert [each.title for each in found] == [
        "Published | here: Performance on Cityscapes", "Published | here: Performance on Cityscapes (CPU)",
    ]  # fmt: skip
    assert sum("Source: https" in line for each in found for line in each.lines) == 1
    row = dict(zip(found[0].columns, found[0].rows[0], strict=True))
    assert row["network"] == "ResNet-18"
    assert row["published: Inference Time (ms) [2080Ti]"] == "18.719"
    assert row["parameters"] == "differ"
    assert beside([of_size(profiles["twice"], "resnet18", (1, 3, 224, 224))]) == []


@pytest.mark.parametrize(
    ("printed", "counted", "same"),
    [(11.689, 11_689_512, True), (11.69, 11_689_512, True), (22.855, 22_855_952, True), (22.856, 22_855_952, True),
     (22.857, 22_855_952, False), (3.504, 3_504_872, True), (3.5, 3_604_872, False)],
)  # fmt: skip
def test_a_count_is_equal_to_the_digits_that_were_printed(printed: float, counted: int, same: bool) -> None:
    assert equal_to(printed, counted) is same


def test_the_published_documents_are_whole() -> None:
    assert "backbone-profile" in names()
    found = load("backbone-profile")
    assert [(each.name, len(each.rows)) for each in found.tables] == [
        ("cityscapes-gpu", 6), ("cityscapes-cpu", 6), ("voc-gpu", 6), ("voc-cpu", 6),
    ]  # fmt: skip
    for each in found.tables:
        times = {row.label: row.values[0] for row in each.rows}
        assert times["ResNet-18"] < times["ResNet-101"]  # type: ignore[operator]


def test_published_frames_per_second_are_their_times() -> None:
    """Their FPS is 1000 ÷ their ms, cut after two decimals: a check that no row was copied wrongly."""
    for each in load("backbone-profile").tables:
        units = [column.unit for column in each.columns]
        pairs = [(place, units.index("img/s") + place) for place in range(units.count("ms"))]
        for row in each.rows:
            for time, rate in pairs:
                assert 1000 / row.values[time] == pytest.approx(row.values[rate], abs=0.02)  # type: ignore[operator]
