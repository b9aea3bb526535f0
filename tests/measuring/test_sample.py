"""A sample of the fake runtime under the fake clock: every number is exact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from artefact_builder import fake_cell, make_artefact

from backbench.errors import BackbenchError, Skip, UnknownName
from backbench.measuring import REGISTRY
from backbench.measuring.cpu import CpuTimes
from backbench.measuring.plan import PLANS, Plan
from backbench.measuring.sample import SampleJob, SampleResult, ordered, take_sample
from backbench.runtimes.fake import CLOCK
from backbench.settings import Settings

PLAN = PLANS["quick"].model_copy(
    update={
        "warmup_calls": 3,
        "warmup_seconds": 0.0,
        "timed_calls": 8,
        "timed_seconds": 0.0,
        "repeated_calls": 4,
        "sweep_seconds": 0.0,
    }
)


@pytest.fixture(autouse=True)
def fresh_clock() -> None:
    CLOCK.now = 0


def sample(folder: Path, runtime: str, plan: Plan = PLAN, round: int = 0, **fields: Any) -> SampleResult:
    make_artefact(folder / "artefact", **fields.pop("artefact", {}))
    metrics = fields.pop("metrics", ("latency",))
    cell = fake_cell(runtime, **fields)
    job = SampleJob(
        artefact=folder / "artefact", cell=cell, settings=Settings(), plan=plan, round=round, metrics=metrics
    )
    return take_sample(job, clock=CLOCK)


def test_a_constant_delay_is_read_exactly(tmp_path: Path) -> None:
    [found] = sample(tmp_path, "fake:load=0.5,first=0.25,delays=0.002").measurements["latency"]
    assert found.values == (0.002,) * 8
    assert found.data["load"] == 0.5
    assert found.data["first"] == 0.252
    assert found.data["warmup"] == [0.002] * (5 + 3)
    assert found.data["repeated"] == [0.002] * 4
    assert found.data["overhead"] == 0.0
    assert found.data["regime"] == "steady"
    assert found.data["distinct"] == 32


def test_warm_up_ends_before_what_counts(tmp_path: Path) -> None:
    delays = "/".join(["0.009"] * 9 + ["0.001"])  # the first call, five settling, three of the warm-up
    [found] = sample(tmp_path, f"fake:delays={delays}").measurements["latency"]
    assert found.values == (0.001,) * 8
    assert found.data["warmup"] == [0.009] * 8


def test_both_calls_and_seconds_must_be_reached(tmp_path: Path) -> None:
    plan = PLAN.model_copy(update={"timed_seconds": 0.1, "warmup_seconds": 0.05})
    [found] = sample(tmp_path, "fake:delays=0.01", plan).measurements["latency"]
    assert len(found.values) == 10
    assert len(found.data["warmup"]) == 5 + 5


def test_the_cap_ends_a_slow_cell(tmp_path: Path) -> None:
    plan = PLAN.model_copy(update={"cap_seconds": 10.0, "repeated_calls": 0})
    [found] = sample(tmp_path, "fake:delays=4", plan).measurements["latency"]
    assert found.values == (4.0,) * 3
    assert found.data["repeated"] == []


def test_a_cache_shows_in_the_repeated_calls(tmp_path: Path) -> None:
    [found] = sample(tmp_path, "fake:delays=0.004,remember=0.25").measurements["latency"]
    assert found.values == (0.004,) * 8
    assert found.data["repeated"] == [0.004, 0.001, 0.001, 0.001]


@pytest.mark.parametrize("boundary", ["model", "host", "end-to-end"])
def test_every_boundary_times_the_same_fake_network(tmp_path: Path, boundary: str) -> None:
    [found] = sample(tmp_path, "fake:delays=0.002", boundary=boundary, batch=4).measurements["latency"]
    assert found.values == (0.002,) * 8


def test_the_sweep_stops_where_throughput_stops_rising(tmp_path: Path) -> None:
    # 10 ms and 1 ms an image: 2 → 167, 4 → 286, 8 → 444, … 32 → 762, 64 → 865 img/s: always over 5 % up to the cap
    found = sample(tmp_path, "fake:delays=0.01,per_image=0.001", metrics=("throughput",)).measurements["throughput"]
    assert [sample.data["batch"] for sample in found] == [1, 2, 4, 8, 16, 32, 64]
    assert found[3].values == (0.018,) * 5
    # 0 ms and 1 ms an image: the first doubling gains nothing
    flat = sample(tmp_path, "fake:delays=0,per_image=0.001", metrics=("throughput",)).measurements["throughput"]
    assert [sample.data["batch"] for sample in flat] == [1, 2]


def test_a_fixed_batch_is_not_swept(tmp_path: Path) -> None:
    result = sample(tmp_path, "fake", metrics=("throughput",), batch=4, artefact={"input": (4, 1, 8, 8)})
    assert [found.data["batch"] for found in result.measurements["throughput"]] == [4]


def test_what_is_not_measured_has_its_reason(tmp_path: Path) -> None:
    later = sample(tmp_path, "fake", round=1, metrics=("throughput",))
    assert later.reasons == {"throughput": "throughput: the sweep is run in the first 1 rounds"}
    none = sample(tmp_path, "fake", PLAN.model_copy(update={"sweep_cap": 0}), metrics=("throughput",))
    assert none.reasons == {"throughput": "throughput: the protocol 'quick' has no batch sweep"}
    assert none.measurements == {}


def test_all_metrics_of_a_sample_are_taken_where_none_is_named(tmp_path: Path) -> None:
    result = sample(tmp_path, "fake", metrics=None)
    assert result.measurements.keys() | result.reasons.keys() == {"latency", "throughput", "peak_memory", "energy"}
    assert result.executed["precision"] == "fp32"
    assert SampleResult.model_validate(result.model_dump(mode="json")) == result


def test_latency_comes_first_and_large_batches_last() -> None:
    assert ordered(None) == ["latency", "peak_memory", "energy", "throughput"]
    assert ordered(("throughput", "accuracy", "latency")) == ["latency", "throughput"]
    with pytest.raises(UnknownName, match="did you mean 'latency'"):
        ordered(("latencies",))


def test_other_processes_share_is_taken_over_warm_up_and_timing(tmp_path: Path) -> None:
    make_artefact(tmp_path / "artefact")
    job = SampleJob(
        artefact=tmp_path / "artefact",
        cell=fake_cell(threads=1),
        settings=Settings(),
        plan=PLAN,
        round=0,
        metrics=("latency",),
    )
    # 10 s on 4 processors: 12 of 40 CPU-seconds were busy, 4 of them this process's own; while timed 3 in 5 s.
    readings = iter([(0.0, 100.0, 0.0), (5.0, 105.0, 1.0), (10.0, 112.0, 4.0)])
    result = take_sample(job, clock=CLOCK, cpu=lambda: reading(readings))
    [found] = result.measurements["latency"]
    assert result.foreign == pytest.approx(8 / 40)
    assert found.data["foreign"] == result.foreign
    assert found.data["cpu_share"] == pytest.approx(3 / 5)


def reading(readings: Iterator[tuple[float, float, float]]) -> CpuTimes:
    wall, busy, own = next(readings)
    return CpuTimes(wall=wall, busy=busy, steal=0.0, own=own, processors=4)


def test_a_runtime_that_fails_is_the_caller_s_to_tell(tmp_path: Path) -> None:
    for fails, error in (("open", BackbenchError), ("skip", Skip), ("run", RuntimeError), ("memory", MemoryError)):
        with pytest.raises(error):
            sample(tmp_path, f"fake:fails={fails}")


def test_subnormal_weights_are_timed_with_and_without_flush_to_zero(tmp_path: Path) -> None:
    parameters = {"stored": 10, "nonzero": 8, "trainable": 10, "subnormal": 3, "weights_bytes": 40}
    [found] = sample(tmp_path, "fake:delays=0.002", artefact={"parameters": parameters}).measurements["latency"]
    assert found.data["flushed"] in ({"off": 0.002, "on": 0.002}, None)


def test_the_order_of_inputs_is_the_round_s(tmp_path: Path) -> None:
    from backbench.measuring.sampling import shuffled

    assert [list(places) for places in shuffled(6, 2, 1)] == [list(places) for places in shuffled(6, 2, 1)]
    assert sorted(place for places in shuffled(6, 2, 1) for place in places) == list(range(6))
    assert [len(places) for places in shuffled(5, 8, 1)] == [8]
    assert [list(places) for places in shuffled(64, 1, 1)] != [list(places) for places in shuffled(64, 1, 2)]


@pytest.mark.parametrize("name", REGISTRY.names())
def test_every_metric_says_its_unit_and_how_it_is_had(name: str) -> None:
    metric = REGISTRY.get(name)
    assert metric().unit
    assert metric.stage in ("sample", "check", "artefact")
    assert metric.__doc__


def test_what_is_read_from_the_artefact(tmp_path: Path) -> None:
    artefact = make_artefact(tmp_path)
    read = {
        name: REGISTRY.get(name)().read(artefact) for name in REGISTRY.names() if REGISTRY.get(name).stage == "artefact"
    }
    assert read == {"macs": 640, "nonzero": 8, "parameters": 10, "size": 1000, "trainable": 10, "weights_memory": 40}
    disputed = artefact.model_copy(update={"cost": {**artefact.cost, "disputed": True}})
    assert REGISTRY.get("macs")().read(disputed) is None
