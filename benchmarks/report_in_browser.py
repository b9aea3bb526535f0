"""How long report.html of 1,000 records takes to open in a headless Chromium, and to sort, filter and show a record.

    python benchmarks/report_in_browser.py [--records 1000] [--samples 500] [--repeats 5]

Needs Chromium and the `playwright` package. Printed is the median of some fresh browsers, from the start of loading
to the page's own sign that it is ready, two frames later; the target is 2 s.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from backbench.report.writing import make_report
from report_at_scale import write_run

TARGET = 2.0
FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def once(playwright: Any, path: str, url: str) -> dict[str, float]:
    """Seconds of each step in a browser of its own."""
    browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto("about:blank")
    found = {}

    def timed(name: str, step: Any) -> None:
        begun = time.perf_counter()
        step()
        page.evaluate(FRAMES)
        found[name] = time.perf_counter() - begun

    timed("open", lambda: (page.goto(url), page.wait_for_selector("html[data-ready=yes]", state="attached")))
    timed("sort", lambda: page.locator("thead button", has_text="latency ms").first.click())
    timed("filter", lambda: page.get_by_label("Search").fill("network77"))
    timed("show a record", lambda: page.evaluate("location.hash = '#cell-500'"))
    browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("no Chromium: name it in CHROMIUM")
    with tempfile.TemporaryDirectory(prefix="backbench-browser-") as scratch, sync_playwright() as playwright:
        folder = Path(scratch)
        write_run(folder, given.records, given.samples, 1000)
        make_report(folder, [folder])
        report = folder / "report.html"
        print(f"{given.records:,} records of {given.samples} samples: report.html {report.stat().st_size / 1e6:.1f} MB")
        runs = [once(playwright, path, report.as_uri()) for _ in range(given.repeats)]
    print(f"load average {os.getloadavg()[0]:.1f}; medians of {given.repeats} fresh browsers")
    for name in runs[0]:
        print(f"{name}: {statistics.median(run[name] for run in runs):.2f} s")
    opened = statistics.median(run["open"] for run in runs)
    print(f"opens in under {TARGET:g} s: {'holds' if opened < TARGET else 'missed'}")


if __name__ == "__main__":
    main()
