"""What is recommended surely fits; what can't be told, and what is nearest, is said with the figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backbench.cli import app
from backbench.errors import UsageError
from backbench.report.advice import Advice, advise, overall
from backbench.report.advice_words import data, lines
from backbench.report.folders import records_in
from backbench.report.limits import KINDS, Limit, read_limit
from backbench.report.section import sections
from records_builder import make_artefact, make_cell, make_record, write_records

BIG, MIDDLE, SMALL = (make_cell(name) for name in ("big", "middle", "small"))


def around(seconds: float, spread: float = 0.001) -> list[tuple[float, ...]]:
    """Five processes about a median."""
    return [(seconds * (1 + step * spread),) * 3 for step in (-2, -1, 0, 1, 2)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """10 ms and 97 %; 4 ms and 94 %; 1 ms and 70 % of 1,000 images."""
    return write_records(
        tmp_path,
        make_record(BIG, around(10e-3), 970, 1000, artefact=make_artefact(bytes=40_000_000)),
        make_record(MIDDLE, around(4e-3), 940, 1000, artefact=make_artefact(bytes=9_000_000)),
        make_record(SMALL, around(1e-3), 700, 1000, artefact=make_artefact(bytes=1_000_000)),
    )


def answer(folder: Path, **limits: str) -> Advice:
    (section,) = sections(records_in([folder]))
    return advise(section, [read_limit(name.replace("_", "-"), text) for name, text in limits.items()])


def names(rows: Sequence[object]) -> list[str]:
    return [row.cell.model.name for row in rows]  # type: ignore[attr-defined]


def test_the_most_accurate_that_fits(folder: Path) -> None:
    found = answer(folder, max_latency="5ms", min_accuracy="60")
    assert found.verdict == "fits"
    assert found.recommended is not None
    assert found.recommended.cell.model.name == "middle"
    assert names(found.others) == ["small"]
    assert (found.maybe, found.nearest) == ((), ())
    assert "Ship middle · none · eager" in lines(found)[1]


def test_of_equally_accurate_ones_the_fastest(tmp_path: Path) -> None:
    folder = write_records(
        tmp_path, make_record(BIG, around(10e-3), 950, 1000), make_record(SMALL, around(1e-3), 947, 1000)
    )
    found = answer(folder, max_latency="20ms")
    assert found.recommended is not None
    assert found.recommended.cell.model.name == "small"
    assert names(found.alike) == ["big"]
    assert any("can't be told from it in accuracy" in line for line in lines(found))


def test_an_interval_that_holds_the_limit_can_not_be_told(tmp_path: Path) -> None:
    folder = write_records(tmp_path, make_record(BIG, around(5e-3, 0.05), 950, 1000))
    found = answer(folder, max_latency="5.05ms")
    assert (found.verdict, found.recommended, names(found.maybe)) == ("can't tell", None, ["big"])
    assert "Nothing surely fits latency at most 5.050 ms" in lines(found)[1]
    assert answer(folder, min_accuracy="95").verdict == "can't tell"
    assert answer(folder, min_accuracy="90").verdict == "fits"


def test_where_nothing_fits_the_nearest_is_named_with_its_shortfall(folder: Path) -> None:
    found = answer(folder, max_latency="2ms", min_accuracy="90")
    assert (found.verdict, found.recommended, found.maybe) == ("none", None, ())
    assert names(found.nearest) == ["small", "middle", "big"]
    said = "\n".join(lines(found))
    assert "None fits latency at most 2.000 ms and accuracy at least 90.00 %." in said
    assert "latency 4.000 ms" in said
    assert "(100 % over)" in said
    assert "accuracy 70.00 %" in said
    assert "(22 % short)" in said


def test_chance_is_no_accuracy_and_what_is_not_known_fits_nothing(tmp_path: Path) -> None:
    untrained = make_record(BIG, around(1e-3), 950, 1000, artefact=make_artefact(trained=False))
    folder = write_records(tmp_path, untrained)
    assert answer(folder, min_accuracy="50").verdict == "none"
    assert answer(folder, max_energy="1J").verdict == "none"
    assert "energy not known" in "\n".join(lines(answer(folder, max_energy="1J")))
    timed = answer(folder, max_latency="2ms")
    assert timed.recommended is not None


def test_records_of_unlike_conditions_are_answered_apart(folder: Path, tmp_path: Path) -> None:
    other = write_records(tmp_path / "other", make_record(make_cell("big", threads=8), around(1e-3), 990, 1000))
    answers = [advise(section, [read_limit("max-latency", "2ms")]) for section in sections(records_in([folder, other]))]
    assert [names([each.recommended]) for each in answers] == [["small"], ["big"]]
    assert overall(answers) == "fits"


@pytest.mark.parametrize(
    ("option", "text", "bound"),
    [
        ("max-latency", "5ms", 5e-3), ("max-latency", "0.5 s", 0.5), ("max-latency", "20us", 2e-5),
        ("max-size", "4MB", 4e6), ("max-size", "1.5MiB", 1.5 * 2**20), ("max-macs", "300M", 3e8),
        ("min-accuracy", "90", 0.9), ("min-accuracy", "90%", 0.9), ("max-energy", "5mJ", 5e-3),
        ("min-throughput", "100 img/s", 100.0),
    ],
)  # fmt: skip
def test_limits_are_read_with_their_units(option: str, text: str, bound: float) -> None:
    assert read_limit(option, text).bound == pytest.approx(bound)


@pytest.mark.parametrize("text", ["5", "ms", "-5ms", "5 apples", "1e3ms", "", "5ms5"])
def test_a_limit_without_its_unit_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match=r"--max-latency .*a number and its unit \(s, ms"):
        read_limit("max-latency", text)


def test_a_limit_of_nothing_is_missed(folder: Path) -> None:
    (section,) = sections(records_in([folder]))
    assert Limit(KINDS["max-size"], 0.0).standing(section.rows[0]) == "misses"


@pytest.mark.parametrize(
    ("limit", "code"), [(["--max-latency", "5ms"], 0), (["--min-accuracy", "97"], 3), (["--max-size", "1kB"], 1)]
)
def test_the_command_answers_by_its_exit_code_too(folder: Path, limit: list[str], code: int) -> None:
    assert CliRunner().invoke(app, ["recommend", str(folder), *limit]).exit_code == code
    done = CliRunner().invoke(app, ["recommend", str(folder), *limit, "--json"])
    assert done.exit_code == code
    (found,) = json.loads(done.stdout)
    assert found["verdict"] == {0: "fits", 3: "can't tell", 1: "none"}[code]


def test_the_data_name_their_records(folder: Path) -> None:
    found = data(answer(folder, max_latency="5ms"))
    ids = {item.record.record_id for item in records_in([folder])}
    assert found["recommended"]["record_id"] in ids
    assert found["limits"] == ["latency at most 5.000 ms"]
