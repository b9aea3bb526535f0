"""One layer at a time: every point is measured once, on validation images, paired with the whole network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from backbench.api import one_cell
from backbench.cli import app
from backbench.errors import BackbenchError, SpecError, UnknownName, UsageError
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.tuning import sensitivity as module
from backbench.tuning.layer_by_layer import Wanted
from backbench.tuning.sensitivity import Point, Sensitivity, sensitivity
from backbench.tuning.sensitivity_plot import shade, svg

RECIPE = "description: a test's\nepochs: 2\nbatch: 64\noptimizer: adamw\nlr: 0.01\nprecision: fp32\n"
NET = "vgg16_bn_cifar:width=8"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Trained once for all tests of this file."""
    return Settings(cache=tmp_path_factory.mktemp("sensitivity"))


@pytest.fixture
def recipe(settings: Settings) -> str:
    path = settings.cache / "tiny.yaml"
    path.write_text(RECIPE)
    return str(path)


def wanted(settings: Settings, recipe: str | None, technique: str = "prune_channels", **fields: Any) -> Wanted:
    cell = one_cell(NET, "digits", settings, {"recipe": recipe})
    return Wanted(cell, Choice.parse(technique), **{"images": 60, **fields})


def quiet(text: str) -> None:
    """Says nothing."""


def test_each_group_of_channels_at_each_ratio(settings: Settings, recipe: str, tmp_path: Path) -> None:
    found = sensitivity(wanted(settings, recipe, ratios=(0.25, 0.75)), settings, tmp_path, quiet)
    layers = [layer for layer, _ in found.rows()]
    assert len(layers) == 13
    assert found.settings == ["ratio=0.25", "ratio=0.75"]
    assert len(found.points) == 26
    assert found.n == 60
    assert found.correct > 12  # better than chance
    for point in found.points:
        before, after = point.facts["channels"]
        assert after == before * (1 - float(point.setting.partition("=")[2]))
        assert point.facts["macs"][1] < point.facts["macs"][0]
        assert point.interval is not None
        assert point.interval[0] <= point.pp <= point.interval[1]


def test_each_operator_in_int8(settings: Settings, recipe: str, tmp_path: Path) -> None:
    found = sensitivity(wanted(settings, recipe, "quantize_static:calibration=16"), settings, tmp_path, quiet)
    assert found.settings == ["int8"]
    assert len(found.rows()) == 14
    assert all(abs(point.pp) < 50 for point in found.points if point.pp is not None)
    assert all(0 < point.facts["quantizing_operators"] < 10 for point in found.points)


def test_it_continues_where_it_was_interrupted(
    settings: Settings, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, told = wanted(settings, recipe, ratios=(0.5,)), []

    def interrupt(text: str) -> None:
        told.append(text)
        if text.startswith("3 of 13"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sensitivity(asked, settings, tmp_path, interrupt)
    kept = Sensitivity.model_validate(json.loads((tmp_path / "sensitivity.json").read_text()))
    assert len(kept.points) == 3
    whole = sensitivity(asked, settings, tmp_path, quiet)
    assert whole.points[:3] == kept.points
    assert len(whole.points) == 13
    monkeypatch.setattr(module, "measured", lambda *arguments: pytest.fail("it was measured again"))
    assert sensitivity(asked, settings, tmp_path, quiet) == whole


def test_another_question_begins_anew(settings: Settings, recipe: str, tmp_path: Path) -> None:
    first = sensitivity(wanted(settings, recipe, ratios=(0.5,)), settings, tmp_path, quiet)
    second = sensitivity(wanted(settings, recipe, ratios=(0.5,), images=50), settings, tmp_path, quiet)
    assert (first.n, second.n) == (60, 50)
    assert len(second.points) == 13


def test_a_layer_that_would_vanish_has_its_reason(settings: Settings, recipe: str, tmp_path: Path) -> None:
    found = sensitivity(wanted(settings, recipe, ratios=(0.95,)), settings, tmp_path, quiet)
    narrow = [point for point in found.points if point.reason]
    assert narrow
    assert all("would remove all" in str(point.reason) for point in narrow)
    assert all(point.pp is None and point.interval is None for point in narrow)


def test_an_untrained_head_has_no_sensitivity(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackbenchError, match="the head was never trained on digits"):
        sensitivity(wanted(settings, None, ratios=(0.5,)), settings, tmp_path, quiet)


@pytest.mark.parametrize(
    ("technique", "fields", "kind", "sentence"),
    [
        ("prune_chanels", {}, UnknownName, "did you mean 'prune_channels'"),
        ("finetune", {}, UnknownName, "allowed: prune_channels, quantize_static"),
        ("prune_channels", {"ratios": (1.0,)}, SpecError, "less than 1"),
        ("prune_channels", {"ratios": (-0.5,)}, SpecError, "greater than 0"),
        ("quantize_static", {"ratios": (0.5,)}, UsageError, "has no ratio"),
        ("quantize_static:calibration=0", {}, SpecError, "greater than or equal to 1"),
        ("prune_channels", {"ratios": (0.5,), "images": 0}, UsageError, "at least one"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    technique: str, fields: dict[str, Any], kind: type[Exception], sentence: str, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=sentence):
        sensitivity(wanted(settings, None, technique, **fields), settings, tmp_path, quiet)


def example() -> Sensitivity:
    points = (
        Point(layer="stem", setting="ratio=0.5", n=100, lost=20, won=0),
        Point(layer="stem", setting="ratio=0.9", n=100, reason="it would vanish"),
        Point(layer="a<b", setting="ratio=0.5", n=100, lost=1, won=3),
        Point(layer="a<b", setting="ratio=0.9", n=100, lost=10, won=0),
    )
    return Sensitivity(
        model="net", technique="prune_channels", dataset="digits", key="x", n=100, correct=90, points=points
    )


def test_the_most_sensitive_layer_stands_first() -> None:
    assert [layer for layer, _ in example().worst_first()] == ["stem", "a<b"]
    assert example().points[2].pp == 2


def test_the_plot_shows_every_point() -> None:
    drawn = svg(example())
    texts = [element.text for element in ElementTree.fromstring(drawn).iter() if element.text]
    assert {"stem", "a<b", "ratio=0.5", "ratio=0.9", "-20.0", "+2.0", "-10.0", "–"} <= set(texts)
    assert "stem ratio=0.9: it would vanish" in texts
    assert (shade(0), shade(2)) == ("#ffffff", shade(1))


def test_the_command_prints_the_table_and_writes_the_plot(
    settings: Settings, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKBENCH_CACHE", str(settings.cache))
    arguments = ["sensitivity", NET, "--dataset", "digits", "--recipe", recipe, "--ratio", "0.5", "--images", "60"]
    done = CliRunner().invoke(app, [*arguments, "--threads", "1", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "features.0" in done.output
    assert "whole:" in done.output
    assert "<svg" in (tmp_path / "sensitivity.svg").read_text()
    data = json.loads(CliRunner().invoke(app, [*arguments, "--json", "--out", str(tmp_path)]).stdout)
    assert len(data["points"]) == 13
