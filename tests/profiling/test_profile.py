"""Whole profiles in real processes: hard networks, refusals, what stands on disk, and continuing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from profile_runs import NETWORKS, profiled

from backbench.profiling.document import Profile
from backbench.profiling.numbers import parts_of, peak_rise, real_over_random, whole
from backbench.profiling.parts import Wanted
from backbench.records.schema import Record


@pytest.mark.parametrize("name", NETWORKS)
def test_a_hard_network_has_every_part(profiles: dict[str, Profile], name: str) -> None:
    found = profiles[name]
    assert (found.status, found.reasons) == ("ok", {})
    assert len(found.processes) == 3
    assert all(process.values for process in found.processes)
    assert None not in (found.blocks, found.operators, found.inputs, found.ceilings, found.scaling)
    assert peak_rise(found) is not None


@pytest.mark.parametrize("name", NETWORKS)
def test_the_parts_add_up_to_the_instrumented_pass(profiles: dict[str, Profile], name: str) -> None:
    parts = parts_of(profiles[name])
    assert parts is not None
    assert sum(part.seconds for part in parts.blocks) + parts.remainder == pytest.approx(parts.total, rel=1e-9)
    assert profiles[name].blocks.hooks_left == 0  # type: ignore[union-attr]


def test_the_whole_is_computed_from_the_processes(profiles: dict[str, Profile]) -> None:
    found = profiles["twice"]
    summary = whole(found)
    assert summary is not None
    assert summary.n_processes == 3
    assert summary.low < summary.median < summary.high


def test_photographs_are_held_against_random_tensors(profiles: dict[str, Profile]) -> None:
    inputs = profiles["twice"].inputs
    assert inputs is not None
    assert inputs.images == 2
    assert real_over_random(inputs).n == len(inputs.random) == len(inputs.real)


def test_sweeps_and_their_predicted_limits(profiles: dict[str, Profile]) -> None:
    found = profiles["twice"].scaling
    assert found is not None
    assert [point.input[0] for point in found.batch] == [1, 2, 4, 8]
    assert all(point.seconds and point.rise is not None for point in (*found.batch, *found.resolution))
    live = [point.live for point in found.batch]
    assert live == [live[0] * batch for batch in (1, 2, 4, 8)]
    assert found.resolution_limit is not None
    assert found.resolution_limit.bytes > found.resolution_limit.available or found.resolution_limit.capped


def test_a_size_that_is_too_small_is_a_failed_record_that_names_one(profiles: dict[str, Profile]) -> None:
    found = profiles["valid"]
    assert found.status == "failed"
    assert "the smallest that works is 13×13" in str(found.reason)
    assert found.processes == ()


def test_what_would_not_fit_is_not_run_and_says_what_it_needs(profiles: dict[str, Profile], run_folder: Path) -> None:
    """Two images of 16 channels at 4096 × 4096 are 2.1 GB, and three such tensors are alive at once."""
    found = profiles["wide"]
    assert found.status == "failed"
    assert str(found.reason).startswith("out of memory, predicted before it was run: 2×3×4096×4096 needs")
    assert found.prediction is not None
    assert found.prediction.live >= 3 * 2 * 16 * 4096 * 4096 * 4
    assert found.processes == ()
    record = Record.model_validate_json((run_folder / "large" / "records" / f"{found.cell_id}.json").read_text())
    assert (record.status, record.reason) == ("failed", found.reason)


def test_a_device_that_is_not_here_is_skipped_with_its_reason(in_here: None, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    (found,) = profiled(tmp_path, model=("plain",), device="cuda")
    assert (found.status, found.processes) == ("skipped", ())
    assert "has no device cuda" in str(found.reason)


def test_another_runtime_tells_its_own_nodes(profiles: dict[str, Profile]) -> None:
    found = profiles["plain"]
    assert (found.status, found.reason) == ("ok", None)
    assert found.blocks is None
    assert any(node.kind.endswith("Conv") for node in found.nodes)
    assert all(node.seconds >= 0 for node in found.nodes)


def test_profiles_records_and_traces_stand_on_disk(profiles: dict[str, Profile], run_folder: Path) -> None:
    for name in NETWORKS:
        found = profiles[name]
        stored = (run_folder / "profiles" / f"{found.cell_id}.json").read_text()
        assert Profile.model_validate_json(stored) == found
        record = Record.model_validate_json((run_folder / "records" / f"{found.cell_id}.json").read_text())
        assert record.record_id == record.content_hash()
        assert record.measurements["latency"].samples[0].values == found.processes[0].values
    assert len(list((run_folder / "traces").glob("*.json"))) == len(NETWORKS)


def test_a_finished_profile_continues_from_disk(
    profiles: dict[str, Profile], run_folder: Path, photographs: Path
) -> None:
    """The same command again measures nothing: samples and parts are the ones that stand there."""
    again = profiled(run_folder, model=NETWORKS, wanted=Wanted(images=photographs, perfetto=True))
    for found in again:
        before = profiles[found.cell.model.name.partition(":")[2]]
        assert found.processes == before.processes
        assert found.blocks == before.blocks
        assert found.operators == before.operators


def test_a_part_of_other_code_or_another_plan_is_made_again(profiles: dict[str, Profile], run_folder: Path) -> None:
    paths = list((run_folder / "parts").glob("*/inside.json"))
    assert len(paths) == len(NETWORKS)
    assert all(set(json.loads(path.read_text())) == {"stamp", "result"} for path in paths)
