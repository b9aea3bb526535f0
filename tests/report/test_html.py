"""report.html stands alone, is well formed, labelled for those who don't see it, and holds nothing but text of others."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from backbench.records.schema import Measurement, Sample
from backbench.report.html import cells
from backbench.report.html.document import data, html_text
from backbench.report.html.series import MAX_TIMED, MAX_WARMUP, chosen, histogram, series
from backbench.report.survey import survey
from records_builder import (
    make_cell,
    make_latency,
    make_measurement,
    make_record,
    make_refused,
    make_warning,
    write_records,
)

EAGER, ORT = make_cell("resnet20", "none", "eager"), make_cell("resnet20", "none", "onnxruntime")
INT8 = make_cell("resnet20", "quantize_static:calibration=256", "onnxruntime")
VOID = {"meta", "input", "link", "br", "hr", "img"}
EVIL = '"><script>alert(1)</script>{{ 7*7 }}<!--'


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    parent: Element | None
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, name: str) -> Iterator[Element]:
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)

    def every(self) -> Iterator[Element]:
        for child in self.children:
            yield child
            yield from child.every()

    def words(self) -> str:
        return self.text + "".join(child.words() for child in self.children)


class Tree(HTMLParser):
    """A tree of elements; raises where an end does not match its beginning."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = self.at = Element("", {}, None)
        self.feed(text)
        self.close()
        assert self.at is self.root, f"<{self.at.name}> is never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {key: value or "" for key, value in attrs}, self.at)
        self.at.children.append(made)
        if tag not in VOID:
            self.at = made

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.children.append(Element(tag, {key: value or "" for key, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        implied = {"option", "li", "p"}
        while self.at.name != tag and self.at.name in implied:
            assert self.at.parent
            self.at = self.at.parent
        assert self.at.name == tag, f"</{tag}> ends <{self.at.name}>"
        assert self.at.parent
        self.at = self.at.parent

    def handle_data(self, text: str) -> None:
        self.at.text += text


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    memory = {"peak_memory": make_measurement("byte", 2e6, 3e6)}
    return write_records(
        tmp_path / "run",
        make_record(EAGER, [(2e-3, 2.1e-3, 9e-3)] * 5, 340, measurements=memory),
        make_record(ORT, [(1e-3, 1.1e-3, 1.2e-3)] * 5, 330, measurements=memory, warnings=(make_warning(),)),
        make_refused("skipped", "no integer kernels", INT8),
        make_refused("failed", EVIL, make_cell({"name": EVIL})),
    )


@pytest.fixture
def text(run_folder: Path) -> str:
    return html_text(survey([run_folder]))


@pytest.fixture
def page(text: str) -> Element:
    return Tree(text).root


def test_it_is_well_formed_and_needs_nothing_else(page: Element, text: str) -> None:
    loaded = [
        each for each in page.every() if each.name in {"link", "img", "iframe", "object"} or "src" in each.attributes
    ]
    assert loaded == []
    assert re.findall(r"https?://(?!www\.w3\.org/)", text) == []
    assert "@import" not in text
    assert "url(" not in text


def test_only_its_own_script_may_run(page: Element) -> None:
    (policy,) = [each.attributes["content"] for each in page.all("meta") if "http-equiv" in each.attributes]
    (script,) = [each for each in page.all("script") if "type" not in each.attributes]
    digest = b64encode(sha256(script.text.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}';")
    assert not any(name.startswith("on") for each in page.every() for name in each.attributes)


def test_what_others_typed_is_text(page: Element, text: str) -> None:
    assert "<script>alert" not in text
    assert "{{" not in text.replace("{{ 7*7 }}", "")
    rows = [row.words() for row in page.all("tr")]
    assert any('"><script>alert(1)</script>{{ 7*7 }}<!--' in row for row in rows)


def test_tables_are_tables(page: Element) -> None:
    tables = list(page.all("table"))
    assert len(tables) == 2
    for table in tables:
        (head,) = list(table.all("thead"))
        headings = list(head.all("th"))
        assert all(each.attributes["scope"] == "col" for each in headings)
        (body,) = list(table.all("tbody"))
        for row in body.all("tr"):
            spans = [int(each.attributes.get("colspan", "1")) for each in row.children]
            assert sum(spans) == len(headings)
            assert [each.attributes["scope"] for each in row.children if each.name == "th"] == ["row"]
    assert all(len(list(heading.all("button"))) == 1 for heading in next(tables[0].all("thead")).all("th"))


def test_everything_has_a_name(page: Element) -> None:
    identifiers = [each.attributes["id"] for each in page.every() if "id" in each.attributes]
    assert len(identifiers) == len(set(identifiers))
    named = [each.attributes["aria-labelledby"] for each in page.every() if "aria-labelledby" in each.attributes]
    assert set(named) - {"cell-name"} <= set(identifiers)
    fields = [each for each in page.every() if each.name in {"input", "select"}]
    assert len(fields) >= 3
    assert all(inside(each, "label") for each in fields)
    assert next(page.all("html")).attributes["lang"] == "en"
    assert [each.name for each in page.every() if each.name == "h1"] == ["h1"]
    (skip,) = [each for each in page.all("a") if each.attributes.get("class") == "skip"]
    assert skip.attributes["href"].removeprefix("#") in identifiers


def inside(element: Element, name: str) -> bool:
    return element.parent is not None and (element.parent.name == name or inside(element.parent, name))


def test_points_link_to_pages_that_are_there(page: Element) -> None:
    plots = [each for each in page.all("svg") if each.attributes.get("class") == "plot"]
    assert [each.attributes["aria-label"].partition(":")[0] for each in plots] == [
        "Accuracy against latency", "Accuracy against size", "Accuracy against peak memory", "Accuracy against MACs",
    ]  # fmt: skip
    links = [each for plot in plots for each in plot.all("a")]
    assert len(links) == 8
    stored = {each.attributes["id"] for each in page.all("script") if "id" in each.attributes}
    assert {f"data-{each.attributes['data-row']}" for each in links} <= stored
    labels = [each.attributes["aria-label"] for each in links]
    assert "#2 resnet20 · none · onnxruntime: 1.100 ms, 91.67 % [88.4, 94.1], front" in labels


def test_each_record_has_its_page(page: Element) -> None:
    stored = {each.attributes["id"]: json.loads(each.text) for each in page.all("script") if "id" in each.attributes}
    assert set(stored) == {"shared", "data-1", "data-2", "data-3", "data-4"}
    cell = stored["data-2"]
    assert cell["name"] == "resnet20 · none · onnxruntime"
    assert cell["warnings"] == [["unsteady", "the series did not settle", "close other programs"]]
    parts = {name: lines if isinstance(lines, list) else stored["shared"][lines] for name, lines in cell["parts"]}
    assert parts["protocol"] == ["name quick", "samples 5"]
    assert parts["host"][0] == "name 0a1b2c3d"
    assert [each["timed"]["y"] for each in cell["series"]["processes"]] == [[1.0, 1.1, 1.2]] * 5
    assert (stored["data-3"]["status"], stored["data-3"]["series"]) == ("failed", None)
    assert stored["data-4"]["status"] == "skipped"


def test_json_can_not_end_its_element() -> None:
    written = str(data({"a": "</script><!-- & \u2028"}))
    assert not set(written) & set("<>&")
    assert json.loads(written) == {"a": "</script><!-- & \u2028"}


def test_sorting_has_numbers_where_cells_are_numbers(page: Element) -> None:
    rows = [row for row in page.all("tr") if row.attributes.get("data-row") == "1"]
    values = [each.attributes["data-v"] for each in rows[0].children if "data-v" in each.attributes]
    assert values[0] == "1.0"
    assert repr(340 / 360) in values
    assert "0.0021" in values


def test_only_refused_records_and_one_process_are_shown_too(tmp_path: Path) -> None:
    refused = write_records(tmp_path / "a", make_refused("failed", "crash", EAGER))
    assert "crash" in Tree(html_text(survey([refused]))).root.words()
    single = write_records(tmp_path / "b", make_record(EAGER, [(2e-3,)]), make_record(ORT, [(0.0,)]))
    Tree(html_text(survey([single])))


def test_a_large_report_has_pages_for_the_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MAX_PAGES", 5)
    monkeypatch.setattr(cells, "FEW_PAGES", 3)
    made = [make_record(make_cell(seed=seed), [(1e-3 * (9 - seed),) * 2] * 3, 300 + seed) for seed in range(8)]
    root = Tree(html_text(survey([write_records(tmp_path, *made)]))).root
    stored = {each.attributes["id"] for each in root.all("script") if "id" in each.attributes}
    assert len(stored) == 1 + 3
    assert "data-8" in stored  # the fastest and most accurate one: the whole front
    assert "5 of the records have no page of their own" in root.words()


def test_few_samples_are_all_drawn() -> None:
    (found,) = series(make_latency([(1e-3, 2e-3)]))["processes"]  # type: ignore[index]
    assert found["timed"] == {"n": 2, "x": None, "y": [1.0, 2.0]}
    assert found["warm"] == {"n": 1, "x": None, "y": [10.0]}


def test_many_samples_are_thinned_with_their_extremes() -> None:
    generator = np.random.default_rng(0)
    values = generator.lognormal(-7, 0.1, (5, 6000))
    values[2, 1234] = 1.0
    samples = tuple(Sample(round=at, values=tuple(row), data={"warmup": list(row)}) for at, row in enumerate(values))
    found = series(Measurement(unit="s", samples=samples))
    assert found is not None
    assert sum(len(each["timed"]["y"]) for each in found["processes"]) <= MAX_TIMED
    assert sum(len(each["warm"]["y"]) for each in found["processes"]) <= MAX_WARMUP
    third = found["processes"][2]["timed"]
    assert third["y"][third["x"].index(1234)] == 1000.0
    assert [each["timed"]["n"] for each in found["processes"]] == [6000] * 5
    assert sum(found["histogram"]["counts"]) + found["histogram"]["above"] == 30_000
    assert (found["histogram"]["above"], found["histogram"]["most"]) == (
        int((values > far_fence(values)).sum()),
        1000.0,
    )


def far_fence(values: np.ndarray) -> float:
    first, third = np.quantile(values, [0.25, 0.75])
    return float(third + 3 * (third - first))


def test_outliers_are_tukeys() -> None:
    values = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 100.0, -90.0)
    (found,) = series(make_latency([values]))["processes"]  # type: ignore[index]
    first, third = np.quantile(values, [0.25, 0.75]) * 1e3
    assert found["outliers"] == 2
    assert found["fences"] == pytest.approx([first - 1.5 * (third - first), third + 1.5 * (third - first)])
    assert found["median"] == 4500.0


@pytest.mark.parametrize("count", [1, 2, 3, 39, 40, 41, 1000, 1001])
def test_thinning_keeps_to_its_quota_and_order(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    places = chosen(values, 40)
    if count <= 40:
        assert places is None
        return
    assert places is not None
    assert len(places) <= 40
    assert list(places) == sorted(set(places))
    assert {int(values.argmin()), int(values.argmax())} <= set(places)


def test_a_distribution_of_one_value_has_one_bar() -> None:
    found = histogram(np.full(7, 2.0))
    assert (found["counts"], found["above"], found["low"], found["high"]) == ([7], 0, 2.0, 2.0)
