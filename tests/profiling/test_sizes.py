"""Sizes: presets, what a network refuses and takes instead, what fits into memory. No time passes here."""

from __future__ import annotations

from pathlib import Path

import pytest

from backbench.errors import UnknownName, UsageError
from backbench.profiling.counted import Prediction
from backbench.profiling.network import structure_of
from backbench.profiling.parts import Found, explained
from backbench.profiling.prediction import group, largest_under, refusal
from backbench.profiling.presets import preset
from backbench.profiling.sizes_that_work import nearest, smallest
from backbench.settings import Settings
from backbench.spec.cell import Cell

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)


def cell(model: str, size: str, **fields: object) -> Cell:
    return Cell.model_validate(
        {"model": model, "dataset": {"name": "random", "options": {"classes": 10}}, "input": size, **fields}
    )


def test_presets() -> None:
    assert preset("cityscapes") == "1x3x1024x2048"
    assert preset("voc") == "1x3x500x334"
    with pytest.raises(UnknownName, match="cityscapes"):
        preset("cityscape")


@pytest.mark.parametrize("least", [1, 2, 3, 13, 32, 33, 224, 1024])
def test_the_smallest_square_is_found_exactly(least: int) -> None:
    assert smallest(lambda height, width: min(height, width) >= least) == least


def test_a_network_that_takes_nothing_has_no_smallest() -> None:
    assert smallest(lambda height, width: False) is None


def test_the_nearest_size_changes_least() -> None:
    assert nearest(lambda height, width: height % 16 == width % 16 == 0, 500, 334) == (496, 336)
    assert nearest(lambda height, width: False, 500, 334) is None


def test_largest_under() -> None:
    assert largest_under(lambda number: number <= 37, 100) == 37
    assert largest_under(lambda number: True, 100) == 100
    assert largest_under(lambda number: False, 100) == 0


def test_a_size_that_is_too_small_names_the_smallest_that_works() -> None:
    with pytest.raises(
        UsageError, match=r"small_networks:valid can't take 1×3×8×8: .*the smallest that works is 13×13"
    ):
        structure_of(cell("small_networks:valid", "1x3x8x8"), Settings())


def test_a_network_that_takes_no_image_says_so() -> None:
    with pytest.raises(UsageError, match="no square up to 1024 px works either"):
        structure_of(cell("small_networks:stuck", "1x3x32x32"), Settings())


def test_positions_that_were_made_for_the_size_are_said() -> None:
    found = structure_of(cell("small_networks:fixed", "1x3x40x24"), Settings())
    assert len(found.notes) == 1
    assert "made anew, with random values for this one: positions 1×15×8 (at 224×224 1×784×8)" in found.notes[0]
    assert structure_of(cell("small_networks:fixed", "1x3x224x224"), Settings()).notes == ()


def test_a_vision_transformer_at_another_size_says_its_positions() -> None:
    found = structure_of(cell("vit_tiny_patch16_224", "1x3x96x160"), Settings())
    assert "pos_embed 1×61×192 (at 224×224 1×197×192)" in found.notes[0]


def test_refusal_and_bounds() -> None:
    said = Prediction(baseline=500, weights=200, live=1000, copies=600, available=1600)
    assert (said.least, said.most, said.fits) == (1700, 2300, False)
    assert said.model_copy(update={"available": 1700}).fits
    assert refusal(said, (1, 3, 8, 8), (1, 3, 4, 4)).startswith(
        "out of memory, predicted before it was run: 1×3×8×8 needs"
    )
    assert "1×3×4×4" in refusal(said, (1, 3, 8, 8), (1, 3, 4, 4))


def test_the_control_groups_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("300\n")
    assert group(tmp_path) == 700
    (tmp_path / "memory.max").write_text("max\n")
    assert group(tmp_path) > 10**18
    assert group(tmp_path / "nowhere") > 10**18


def test_a_process_that_was_killed_is_explained_by_what_it_was_expected_to_need() -> None:
    found = Found(cell("small_networks:plain", "1x3x8x8"))
    killed = "the process of 'profile' was ended by SIGKILL (most likely the system's memory ran out)"
    assert explained(found, killed) == killed
    prediction = Prediction(baseline=10**9, weights=0, live=10**9, copies=10**9, available=4 * 10**9)
    found.parts["structure"] = {"prediction": prediction.model_dump(mode="json")}
    assert explained(found, killed) == f"{killed}; 2.00 to 3.00 GB were predicted, with 4.00 GB free"
    assert explained(found, "ValueError: no") == "ValueError: no"
