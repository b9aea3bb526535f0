"""report.html in a real headless Chromium: it opens without an error, sorts, filters, tells, and works by keyboard.

Needs Chromium (`apt-get install chromium`, or CHROMIUM naming it) and the `playwright` package, which drives it; it
downloads nothing. Skipped with its reason where one is missing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backbench.report.writing import make_report
from records_builder import (
    make_artefact,
    make_cell,
    make_measurement,
    make_record,
    make_refused,
    make_warning,
    write_records,
)

EVIL = "<img src=x onerror=alert(1)>"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def chromium() -> str:
    named = os.environ.get("CHROMIUM", "")
    for name in (named, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if name and (found := shutil.which(name)):
            return found
    pytest.skip("no Chromium: neither CHROMIUM nor the path names one")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium()
    with driver.sync_playwright() as playwright:
        # Containers have no user namespaces for its sandbox, and a small /dev/shm.
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        opened = playwright.chromium.launch(executable_path=path, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve records of two hosts, one of a hostile name, one with an outlier and a warning, two refused."""
    folder = tmp_path_factory.mktemp("browser")
    made = []
    for place, (model, runtime) in enumerate(
        (m, r) for m in ("resnet20", "vit_mini", EVIL) for r in ("eager", "onnxruntime")
    ):
        level = 1e-3 * (1 + place)
        rounds = [[level * (1 + 0.01 * ((call * 7 + number) % 5)) for call in range(300)] for number in range(5)]
        rounds[0][150] = level * 20
        memory = {"peak_memory": make_measurement("byte", 1e6 * (6 - place), 2e6)}
        warnings = (make_warning(EVIL),) if place == 2 else ()
        artefact = make_artefact(bytes=1_000_000 + 300_000 * place)
        cell = make_cell({"name": model}, "none", runtime)
        made.append(
            make_record(cell, rounds, 300 + 8 * place, measurements=memory, warnings=warnings, artefact=artefact)
        )
    made.append(make_record(make_cell(threads=4), [(3e-3, 3.1e-3)] * 5, 310))
    made.append(make_refused("failed", EVIL, make_cell("resnet56")))
    make_report(folder, [write_records(folder / "run", *made)])
    return folder / "report.html"


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    """The report, opened; whatever the console, a failed request or a dialog says fails the test."""
    made = browser.new_page(viewport=DESKTOP)
    said: list[str] = []
    made.on("console", lambda message: said.append(message.text))
    made.on("pageerror", lambda error: said.append(str(error)))
    made.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    made.on("request", lambda request: said.append(request.url) if request.url != report.as_uri() else None)
    made.goto(report.as_uri())
    made.wait_for_selector("html[data-ready=yes]", state="attached")
    yield made
    made.close()
    assert said == []


def heading(page: Any, name: str) -> Any:
    return page.locator("table.cells").first.locator("thead button", has_text=name).first


def column(page: Any, name: str) -> list[str]:
    """The texts of the first table's visible rows in the column of this name."""
    script = """name => {
        const table = document.querySelector("table.cells");
        const place = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.trim() === name);
        return [...table.tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[place]?.textContent.trim() ?? "");
    }"""
    found: list[str] = page.evaluate(script, name)
    return found


def test_it_opens_with_everything_in_it(page: Any) -> None:
    assert page.locator("table.cells").count() == 2
    assert page.locator("table.cells").first.locator("tbody tr").count() == 7
    assert page.locator("svg.plot").count() == 4
    assert page.locator("img").count() == 0
    assert page.get_by_text(EVIL).count() > 0


def test_sorting_by_number_up_and_down_with_the_unknown_last(page: Any) -> None:
    heading(page, "latency ms").click()
    up = column(page, "latency ms")
    assert up[-1] == ""  # the refused row
    numbers = [float(text.split()[0]) for text in up[:-1]]
    assert numbers == sorted(numbers)
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("latency ms")
    heading(page, "latency ms").click()
    down = column(page, "latency ms")
    assert [float(text.split()[0]) for text in down[:-1]] == numbers[::-1]
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    heading(page, "model").click()
    names = column(page, "model")
    assert names == sorted(names, key=str.lower)
    assert page.locator("th[aria-sort]").count() == 1


def test_filtering_by_words_by_choice_and_by_the_front(page: Any) -> None:
    page.get_by_label("Search").fill("vit onnx")
    assert column(page, "model") == ["vit_mini"]
    assert page.locator("#shown").inner_text() == "1 of 8 rows"
    assert page.locator("svg.plot").first.locator("a.point:visible").count() == 1
    page.get_by_role("button", name="Show all").click()
    page.locator("#shown", has_text="8 of 8 rows").wait_for()
    page.locator("select[name=runtime]").select_option("onnxruntime")
    assert set(column(page, "runtime")) == {"onnxruntime"}
    page.locator("select[name=runtime]").select_option("")
    page.get_by_label("only the front").check()
    assert 0 < len(column(page, "model")) < 7
    page.get_by_label("Search").fill("<script>")
    assert page.locator("#shown").inner_text() == "0 of 8 rows"


def test_a_point_tells_what_it_is_when_hovered(page: Any) -> None:
    point = page.locator("svg.plot").first.locator("a.point").first
    point.scroll_into_view_if_needed()
    page.wait_for_timeout(100)  # scrolling hides the tip
    point.locator("circle").hover()
    tip = page.locator("#tip")
    assert tip.is_visible()
    assert tip.inner_text() == point.get_attribute("aria-label")
    page.mouse.move(2, 2)
    assert not tip.is_visible()


def test_the_keyboard_is_enough(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    heading(page, "size MB").focus()
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("size MB")
    stops = page.locator("svg.plot").first.locator("a.point[tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    first = page.locator("#tip").inner_text()
    page.keyboard.press("ArrowRight")
    second = page.locator("#tip").inner_text()
    assert first != second
    page.keyboard.press("Escape")
    assert not page.locator("#tip").is_visible()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cell:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "cell-name"


def test_a_records_page_has_its_samples_and_goes_back(page: Any) -> None:
    page.locator("table.cells tbody th a", has_text="vit_mini").first.click()
    page.wait_for_selector("#cell:not([hidden])")
    assert not page.locator("#overview").is_visible()
    assert "vit_mini" in page.title()
    charts = page.locator("#cell svg")
    assert charts.count() == 2
    assert 0 < charts.first.locator("circle.timed, path.out").count() <= 500
    assert charts.first.locator("path.out").count() >= 1
    assert charts.nth(1).locator("rect.bar").count() > 10
    charts.first.hover(position={"x": 300, "y": 100})
    assert "process" in page.locator("#tip").inner_text()
    assert EVIL in page.locator("#cell .warnings").inner_text()
    assert page.locator("#cell img").count() == 0
    page.get_by_role("link", name="all results").click()
    page.wait_for_selector("#overview:not([hidden])", state="visible")
    assert page.evaluate("document.activeElement.textContent") == "vit_mini"


def test_a_record_can_be_linked_to(page: Any, report: Path) -> None:
    page.evaluate("location.hash = '#cell-3'")
    page.wait_for_selector("#cell:not([hidden])")
    assert page.locator("#cell h2").inner_text().startswith("#3 ")
    page.evaluate("location.hash = '#cell-99999'")
    page.wait_for_selector("#overview:not([hidden])", state="visible")


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_but_a_table_is_wider_than_the_screen(page: Any, viewport: dict[str, int]) -> None:
    page.set_viewport_size(viewport)
    for hash_ in ("", "#cell-1"):
        page.evaluate(f"location.hash = '{hash_}'")
        page.wait_for_timeout(50)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_light_and_dark_differ_and_both_can_be_read(page: Any) -> None:
    seen = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours = page.evaluate(
            "(() => {const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]})()"
        )
        ratio = contrast(*colours)
        assert ratio >= 7, (scheme, colours, ratio)
        seen.add(colours[0])
    assert len(seen) == 2


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two `rgb(…)` colours."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(text) / 255 for text in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_it_prints_without_its_controls(page: Any) -> None:
    page.emulate_media(media="print")
    assert not page.locator("#filter").is_visible()
    assert page.locator("table.cells").first.is_visible()
    assert len(page.pdf()) > 10_000


def test_without_a_script_the_tables_and_plots_are_there(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(report.as_uri())
    assert opened.locator("table.cells").first.locator("tbody tr").count() == 7
    assert opened.locator("svg.plot").first.is_visible()
    assert not opened.locator("#filter").is_visible()
    assert opened.get_by_text("Without its script").is_visible()
    context.close()


def test_a_thousand_records_open(browser: Any, tmp_path: Path) -> None:
    """How long it takes is shown by benchmarks/report_in_browser.py."""
    record = make_record(latency=[[1e-3 + 1e-6 * call for call in range(100)] for _ in range(5)])
    cells = [make_cell(seed=seed) for seed in range(1000)]
    made = [record.model_copy(update={"cell": cell, "cell_id": cell.id}).sealed() for cell in cells]
    make_report(tmp_path, [write_records(tmp_path, *made)])
    opened = browser.new_page()
    opened.goto((tmp_path / "report.html").as_uri())
    opened.wait_for_selector("html[data-ready=yes]", state="attached")
    assert opened.locator("table.cells tbody tr").count() == 1000
    assert opened.locator("script[id^=data-]").count() == 1000
    opened.get_by_label("Search").fill("seed 777")
    assert opened.locator("#shown").inner_text() == "2 of 1000 rows"  # row 777, and seed 777 in row 778
    opened.evaluate("location.hash = '#cell-500'")
    opened.wait_for_selector("#cell:not([hidden])")
    assert opened.locator("#cell svg").first.locator("circle.timed, path.out").count() == 500
    opened.close()
